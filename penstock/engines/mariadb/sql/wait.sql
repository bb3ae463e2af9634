-- How often a job may have become ready.
select cast(sum(count) as signed)
from wake
