-- The runners whose time has not run out.
select worker, slots, types
from presence
where until > clock_timestamp()
order by worker
