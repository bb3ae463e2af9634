-- The lowest id of all ready jobs, where so many dead rows stand before it that it pays to know it; else 0. One row.
-- A transaction that stays open anywhere in the database keeps them from being removed.
with recursive first as (
  (
    select queue, id
    from waiting
    where run_at is null
      and pg_stat_get_dead_tuples('waiting'::regclass) > :enough::integer
    order by queue, id
    limit 1
  )
  union all
  select next.queue, next.id
  from first
  cross join lateral (
    select waiting.queue, waiting.id
    from waiting
    where waiting.run_at is null and waiting.queue > first.queue
    order by waiting.queue, waiting.id
    limit 1
  ) as next
)
select coalesce(min(id), 0) as id
from first
