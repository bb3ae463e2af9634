-- As many jobs as $1 are ready, before all others.
insert into waiting (id, queue, priority, ready_at)
select -number, queue.id, 500, clock_timestamp()
from generate_series(1, $1::integer) as number
cross join queue
