-- How many ready jobs of its queue come before each of the ready jobs named, counted up to :most.
-- Each branch reads an index in its order, so that no plan looks at more rows than it counts.
select mine.id, before.count
from unnest(:ids::bigint[]) as named (id)
cross join lateral (
  select waiting.id, waiting.queue, waiting.priority
  from waiting
  where waiting.id = named.id and waiting.run_at is null
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
    (
      select 1
      from waiting
      where waiting.queue = mine.queue
        and waiting.run_at is null
        and waiting.priority = mine.priority
        and waiting.id < mine.id
        and :ordering::text = 'priority'
      order by waiting.id
      limit :most::integer
    )
    union all
    (
      select 1
      from waiting
      where waiting.queue = mine.queue
        and waiting.run_at is null
        and waiting.id < mine.id
        and :ordering::text in ('fifo', 'random')
      order by waiting.id
      limit :most::integer
    )
    union all
    (
      select 1
      from waiting
      where waiting.queue = mine.queue
        and waiting.run_at is null
        and waiting.id > mine.id
        and :ordering::text = 'random'
      order by waiting.id
      limit :most::integer
    )
    limit :most::integer
  ) as first
) as before
