-- The runners whose time has not run out.
select worker, slots, types
from presence
where until > timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))
order by worker
