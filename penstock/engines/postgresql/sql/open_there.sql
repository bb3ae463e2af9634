-- Whether the schema on the search path has a list of applied migrations.
select exists (
  select from pg_class
  join pg_namespace on pg_namespace.oid = relnamespace
  where nspname = current_setting('search_path') and relname = 'migration'
) as found
