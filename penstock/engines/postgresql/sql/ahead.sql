-- How many ready jobs of its queue come before each of the ready jobs named, counted up to :most.
-- Each branch takes the first rows of an index and counts those that come before, so that none reads more than it counts.
select mine.id, before.count
from unnest(:ids::bigint[]) as named (id)
cross join lateral (
  select waiting.id, waiting.queue, waiting.priority
  from waiting
  where waiting.id = named.id and waiting.ready_at is not null
  limit 1
) as mine
cross join lateral (
  select count(*)
  from (
    (
      select 1
      from waiting
      where waiting.queue = mine.queue
        and waiting.run_at is null
        and waiting.priority > mine.priority
        and :ordering::text = 'priority'
      order by waiting.priority desc, waiting.id
      limit :most::integer
    )
    union all
    select 1
    from (
      select waiting.id
      from waiting
      where waiting.queue = mine.queue
        and waiting.run_at is null
        and waiting.priority between mine.priority and mine.priority
        and :ordering::text = 'priority'
      order by waiting.priority desc, waiting.id
      limit :most::integer
    ) as equal
    where equal.id < mine.id
    union all
    select 1
    from (
      select waiting.id
      from waiting
      where waiting.queue between mine.queue and mine.queue
        and waiting.run_at is null
        and :ordering::text in ('fifo', 'random')
      order by waiting.queue, waiting.id
      limit :most::integer + 1
    ) as other
    where other.id < mine.id or (other.id > mine.id and :ordering::text = 'random')
    limit :most::integer
  ) as first
) as before
