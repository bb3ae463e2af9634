-- Give the worker the first ready jobs of each wanted queue, and end those that a newer root superseded.
-- One row for each claim, in order; without a claim one row that tells only how many were superseded.
-- Ids below `since` are passed by within the index: dead rows that cannot be removed yet are not even looked at.
with clock as materialized (
  select clock_timestamp() as now
),
want as materialized (
  select want.*, queue.id as queue,
    -- What a want of the same queue before it takes.
    coalesce(sum(most) over (
      partition by queue.id order by place rows between unbounded preceding and 1 preceding
    ), 0) as skipped
  from unnest(
    :domains::text[], :types::text[], :limits::integer[], :ttls::interval[],
    :orders::text[], :floors::integer[], :keeps::interval[]
  ) with ordinality as want (domain, type, most, ttl, ordering, floor, keep, place)
  cross join lateral (
    select id
    from queue
    where queue.domain = want.domain and queue.type = want.type and not queue.paused
    limit 1
  ) as queue
),
by_priority as materialized (
  select want.place, want.ttl, want.keep, first.*, -first.priority as rank
  from want
  cross join lateral (
    select waiting.*
    from waiting
    where waiting.queue = want.queue
      and waiting.run_at is null
      and waiting.id >= :since::bigint
      and waiting.priority >= want.floor
      and want.ordering = 'priority'
    order by waiting.priority desc, waiting.id
    limit want.most
    offset want.skipped
    for update skip locked
  ) as first
),
by_id as materialized (
  select want.place, want.ttl, want.keep, first.*, 0 as rank
  from want
  cross join lateral (
    select waiting.*
    from waiting
    where waiting.queue between want.queue and want.queue
      and waiting.run_at is null
      and waiting.id >= :since::bigint
      and waiting.priority >= want.floor
      and want.ordering = 'fifo'
    order by waiting.queue, waiting.id
    limit want.most
    offset want.skipped
    for update skip locked
  ) as first
),
-- include claim_random,
picked as materialized (
  select * from by_priority
  union all
  select * from by_id
  union all
  select * from by_chance
),
judged as materialized (
  select distinct on (picked.id) picked.*,
    (picked.fence = 0 and newest.timestamp > picked.root_timestamp and newest.until > (select now from clock)) is true
      as is_superseded
  from picked
  left join lateral (
    select root.timestamp, root.until
    from root
    where root.queue = picked.queue and root.signature = picked.root_signature
    limit 1
  ) as newest on true
  order by picked.id, picked.place
),
-- Where one job is superseded, a whole generation often is. It goes by the hundreds, not by the limit of the claim.
outdated as materialized (
  select judged.queue, min(judged.place) as place, min(judged.keep) as keep, min(want.floor) as floor
  from judged
  join want on want.place = judged.place
  where judged.is_superseded
  group by judged.queue
),
generation as materialized (
  select outdated.place, outdated.keep, stale.*
  from outdated
  cross join lateral (
    select waiting.id, waiting.queue, waiting.root_signature
    from waiting
    where waiting.queue between outdated.queue and outdated.queue and waiting.run_at is null
    order by waiting.queue, waiting.id
    limit :whole_batch::integer
  ) as oldest
  cross join lateral (
    select root.signature, root.timestamp, root.until
    from root
    where root.queue = oldest.queue and root.signature = oldest.root_signature
    limit 1
  ) as newest
  cross join lateral (
    select waiting.*
    from waiting
    where waiting.id = oldest.id
      and waiting.ready_at is not null
      and waiting.fence = 0
      and waiting.priority >= outdated.floor
      and waiting.root_signature = newest.signature
      and waiting.root_timestamp < newest.timestamp
      and newest.until > (select now from clock)
    for update skip locked
  ) as stale
  where stale.id not in (select id from judged)
  limit greatest(:whole_batch::integer - (select count(*) from judged), 0)
),
going as materialized (
  select place, rank, ttl, keep, id, queue, priority, attempt, fence, root_signature, root_timestamp, error, is_superseded
  from judged
  union all
  select place, 0, null, keep, id, queue, priority, attempt, fence, root_signature, root_timestamp, error, true
  from generation
),
-- By array and by hash, not by a join: a join may be planned to read the whole table, or to compare each with each.
gone as (
  delete from waiting
  where id = any (array(select id from going))
    and ((id, fence) in (select id, fence from going)) is true
),
leaving as materialized (
  select place, id, queue, 'ready' as was, 'superseded' as state, priority, attempt, fence,
    null::text as worker, null::timestamptz as claimed_at,
    null::double precision as progress_percent, null::text as progress_message, false as cancel_requested,
    root_signature, root_timestamp, null::text as result, error, keep
  from going
  where is_superseded
),
followed as (
  select null::bigint as place, null::bigint[] as ids, null::text[] as ons where false
),
-- include end,
taken as (
  insert into claimed (
    id, queue, priority, attempt, fence, worker, claimed_at, until, root_signature, root_timestamp, error
  )
  select id, queue, priority, attempt + 1, fence + 1, :worker::text, now, now + ttl,
    root_signature, root_timestamp, error
  from going
  cross join clock
  where not is_superseded
  order by id
),
tallied_claim as (
  insert into tally (queue, ready, claimed)
  select queue, -count(*), count(*)
  from going
  where not is_superseded
  group by queue
)
select given_up.superseded, given.*
from (select count(*) as superseded from leaving) as given_up
left join (
  select going.place, going.rank, going.id, queue.domain, queue.type, job.params, job.details,
    going.priority, going.attempt + 1 as attempt, job.max_attempts, going.fence + 1 as fence, job.delivery, job.pushed_at,
    :worker::text as worker, clock.now as claimed_at, clock.now + going.ttl as until, false as cancel_requested,
    going.root_signature, going.root_timestamp, going.error
  from going
  cross join clock
  cross join lateral (select * from job where job.id = going.id limit 1) as job
  cross join lateral (select * from queue where queue.id = going.queue limit 1) as queue
  where not going.is_superseded
) as given on true
order by given.place, given.rank, given.id
