-- Remember the newest timestamp of each family whose jobs lie elsewhere, too. No rows.
with clock as materialized (
  select clock_timestamp() as now
),
asked as materialized (
  select domain, type, signature, max(timestamp) as timestamp
  from unnest(:domains::text[], :types::text[], :signatures::text[], :timestamps::timestamptz[])
    as named (domain, type, signature, timestamp)
  group by domain, type, signature
),
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
  -- Not `do nothing`: that returns no row where a push made the queue meanwhile.
  on conflict (domain, type) do update set domain = excluded.domain
  returning id, domain, type
),
queue_of as materialized (
  select id, domain, type from known_queue
  union all
  select id, domain, type from new_queue
)
insert into root as known (queue, signature, timestamp, until)
select queue_of.id, asked.signature, asked.timestamp, clock.now + :root_memory::interval
from asked
join queue_of using (domain, type)
cross join clock
-- Sorted, so that two calls do not wait for each other.
order by queue_of.id, asked.signature
on conflict (queue, signature) do update
set timestamp = excluded.timestamp, until = excluded.until
where known.timestamp < excluded.timestamp or known.until <= (select now from clock)
