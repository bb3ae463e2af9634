-- Make scheduled jobs ready whose time has come, the earliest first. One row: how many, and how long until the next.
with clock as materialized (
  select clock_timestamp() as now
),
due as materialized (
  select id, run_at
  from waiting
  where run_at <= (select now from clock)
  order by run_at, id
  limit :limit::integer
  for update skip locked
),
promoted as (
  update waiting
  set run_at = null, ready_at = clock.now
  from clock
  where waiting.id = any (array(select id from due)) and waiting.ready_at is null
  returning waiting.queue
),
tallied as (
  insert into tally (queue, scheduled, ready)
  select queue, -count(*), count(*)
  from promoted
  group by queue
)
select (select count(*) from promoted) as count,
  case when next.run_at is not null then greatest(next.run_at - clock.now, interval '0') end as next_in
from clock
left join lateral (
  select waiting.run_at
  from waiting
  where waiting.run_at >= (select coalesce(max(run_at), '-infinity') from due)
    and waiting.id not in (select id from due)
  order by waiting.run_at, waiting.id
  limit 1
) as next on true
