-- Remove the jobs that nobody holds.

-- step: gone
select id
from moving

-- step: all
update moving
set state = 'deleted'
