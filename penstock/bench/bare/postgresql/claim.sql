-- The first jobs of each wanted queue are held; one row for each, with all that its worker needs.
with picked as materialized (
  select first.id, want.ttl
  from unnest($1::integer[], $2::integer[], $3::interval[], $4::integer[]) as want (queue, most, ttl, floor)
  cross join lateral (
    select waiting.id
    from waiting
    where waiting.queue = want.queue and waiting.run_at is null and waiting.priority >= want.floor
    order by waiting.priority desc, waiting.id
    limit want.most
    for update skip locked
  ) as first
),
gone as (
  delete from waiting
  where id = any (array(select id from picked))
  returning *
),
held as (
  insert into claimed (
    id, queue, priority, attempt, fence, worker, claimed_at, until, root_signature, root_timestamp, error
  )
  select gone.id, gone.queue, gone.priority, gone.attempt + 1, gone.fence + 1, $5::text, now(), now() + picked.ttl,
    gone.root_signature, gone.root_timestamp, gone.error
  from gone
  join picked using (id)
),
tallied as (
  insert into tally (queue, ready, claimed)
  select queue, -count(*), count(*)
  from gone
  group by queue
)
select gone.id, gone.fence + 1 as fence, gone.attempt + 1 as attempt, gone.priority,
  stored.params, stored.details, stored.max_attempts, stored.delivery, stored.pushed_at
from gone
cross join lateral (select * from job where job.id = gone.id limit 1) as stored
