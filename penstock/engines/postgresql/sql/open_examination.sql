-- How the server does.
select clock_timestamp() as now,
  current_setting('server_version') as version,
  current_setting('autovacuum')::boolean as autovacuum,
  current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer as most_sessions,
  (select count(*) from pg_stat_activity where backend_type = 'client backend') as sessions,
  (
    select coalesce(max(clock_timestamp() - xact_start), interval '0')
    from pg_stat_activity
    where backend_type = 'client backend'
  ) as oldest_transaction
