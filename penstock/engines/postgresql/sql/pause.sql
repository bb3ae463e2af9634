-- Close the queues for claims, also those that nobody used yet.
insert into queue (domain, type, paused)
select distinct domain, type, true
from unnest(:domains::text[], :types::text[]) as named (domain, type)
order by domain, type
on conflict (domain, type) do update set paused = true
