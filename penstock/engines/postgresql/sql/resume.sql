-- Open the queues for claims.
update queue
set paused = false
from unnest(:domains::text[], :types::text[]) as named (domain, type)
where queue.domain = named.domain and queue.type = named.type and queue.paused
