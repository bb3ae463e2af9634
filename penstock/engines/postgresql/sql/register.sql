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
-- include queue_of
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
