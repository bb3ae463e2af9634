-- Line the jobs up again with the error kept.

-- step: held
select place, cancel_requested
from moving

-- Nothing changes where a cancel was asked for.
-- step: keep_asked
delete from moving
where cancel_requested
