-- How many sessions of this database wait for what is told.
select count(*)
from pg_stat_activity
where datname = current_database() and application_name = 'penstock waits'
