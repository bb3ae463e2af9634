-- How often a job may have become ready.
select wakes
from store
