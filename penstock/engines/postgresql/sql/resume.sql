-- Open the queues for claims, and tell whoever waits for jobs: some may be ready there.
with opened as (
  update queue
  set paused = false
  from unnest(:domains::text[], :types::text[]) as named (domain, type)
  where queue.domain = named.domain and queue.type = named.type and queue.paused
  returning queue.id
)
select count(pg_notify(current_schema(), nextval('wake')::text)) as told
from (select from opened limit 1) as once
