-- The functions of the schema on the search path, and how each is called.
select proname as name,
  format('select * from %I.%I(%s)', nspname, proname, numbered.arguments) as call
from pg_proc
join pg_namespace on pg_namespace.oid = pronamespace
cross join lateral (
  select coalesce(string_agg('$' || number, ', ' order by number), '') as arguments
  from generate_series(1, pronargs) as number
) as numbered
where nspname = current_setting('search_path')
