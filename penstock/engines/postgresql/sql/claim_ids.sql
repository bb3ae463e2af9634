-- Claim those of the named jobs that wait, whatever their queue says. One row for each claim, in the order of the names.
with clock as materialized (
  select clock_timestamp() as now
),
named as materialized (
  select id, min(place) as place
  from unnest(:ids::bigint[]) with ordinality as named (id, place)
  group by id
  -- Sorted, so that two calls with the same ids do not wait for each other.
  order by id
),
going as materialized (
  select named.place, locked.*
  from named
  cross join lateral (
    select *
    from waiting
    where waiting.id = named.id
    for update
  ) as locked
),
gone as (
  delete from waiting
  where id = any (array(select id from going))
    and ((id, fence) in (select id, fence from going)) is true
),
taken as (
  insert into claimed (
    id, queue, priority, attempt, fence, worker, claimed_at, until, root_signature, root_timestamp, error
  )
  select id, queue, priority, attempt + 1, fence + 1, :worker::text, now, now + :ttl::interval,
    root_signature, root_timestamp, error
  from going
  cross join clock
),
tallied as (
  insert into tally (queue, scheduled, ready, claimed)
  select queue,
    -count(*) filter (where run_at is not null),
    -count(*) filter (where run_at is null),
    count(*)
  from going
  group by queue
)
select going.id, queue.domain, queue.type, job.params, job.details,
  going.priority, going.attempt + 1 as attempt, job.max_attempts, going.fence + 1 as fence, job.delivery, job.pushed_at,
  :worker::text as worker, clock.now as claimed_at, clock.now + :ttl::interval as until, false as cancel_requested,
  going.root_signature, going.root_timestamp, going.error
from going
cross join clock
cross join lateral (select * from job where job.id = going.id limit 1) as job
cross join lateral (select * from queue where queue.id = going.queue limit 1) as queue
order by going.place
