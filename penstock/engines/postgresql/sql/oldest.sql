-- How long the first ready job of each named queue has been ready.
select queue.domain, queue.type, clock_timestamp() - first.ready_at as age
from unnest(:domains::text[], :types::text[]) as named (domain, type)
cross join lateral (
  select *
  from queue
  where queue.domain = named.domain and queue.type = named.type
  limit 1
) as queue
cross join lateral (
  select waiting.ready_at
  from waiting
  where waiting.queue between queue.id and queue.id and waiting.run_at is null
  order by waiting.queue, waiting.id
  limit 1
) as first
