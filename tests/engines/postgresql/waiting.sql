-- How many sessions of this database wait for a lock that another one holds.
select count(*)
from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
