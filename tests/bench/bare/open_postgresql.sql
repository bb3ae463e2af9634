select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction' and backend_xmin is not null
