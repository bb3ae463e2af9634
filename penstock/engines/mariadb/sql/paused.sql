-- The queues that are closed for claims.
select domain, type
from queue
where paused
