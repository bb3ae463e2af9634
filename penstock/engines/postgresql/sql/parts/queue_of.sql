-- The queues that are asked for, made where they are new. Before: `asked`. After: `queue_of`.
known_queue as materialized (
  select found.*
  from (select distinct domain, type from asked) as named
  cross join lateral (
    select queue.id, queue.domain, queue.type
    from queue
    where queue.domain = named.domain and queue.type = named.type
    limit 1
  ) as found
),
new_queue as (
  insert into queue (domain, type)
  select domain, type
  from (select distinct domain, type from asked) as named
  where not exists (
    select from known_queue
    where known_queue.domain = named.domain and known_queue.type = named.type
  )
  order by domain, type
  -- Not `do nothing`: that returns no row where another push made the queue meanwhile.
  on conflict (domain, type) do update set domain = excluded.domain
  returning id, domain, type
),
queue_of as materialized (
  select id, domain, type from known_queue
  union all
  select id, domain, type from new_queue
)
