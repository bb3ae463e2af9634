-- The statement is a function of the schema on the search path.
-- It takes its settings with it, so that it depends on no session: it is planned once in each and never compiled, and a
-- table is read in the order of an index or not at all. A queue is empty when the server takes statistics and huge a
-- minute later, so a scan or a sort that looks cheap is a trap. It does not wait for long for a row that somebody keeps
-- locked: the transaction of a caller of `penstock_push` may last for hours.
do $do$
declare
  given jsonb := current_setting('penstock.statement');
  parameters text := (
    select coalesce(string_agg(type, ', ' order by place), '')
    from jsonb_array_elements_text(given -> 'parameters') with ordinality as parameter (type, place)
  );
  columns text := (
    select string_agg(format('%I %s', pair ->> 0, pair ->> 1), ', ' order by place)
    from jsonb_array_elements(given -> 'columns') with ordinality as each (pair, place)
  );
begin
  execute format(
    'create function %I(%s) returns %s language plpgsql'
    ' set search_path = %I, pg_temp'
    ' set plan_cache_mode = force_generic_plan'
    ' set jit = off'
    ' set enable_seqscan = off'
    ' set enable_bitmapscan = off'
    ' set enable_sort = off'
    ' set enable_incremental_sort = off'
    ' set lock_timeout = ''2s'''
    ' as %L',
    given ->> 'name',
    parameters,
    coalesce('table (' || columns || ')', 'void'),
    current_setting('search_path'),
    format(
      E'#variable_conflict use_column\nbegin\n%s%s;\nend',
      case when columns is not null then E'return query\n' end,
      given ->> 'text'
    )
  );
end
$do$
