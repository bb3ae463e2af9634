-- One of the functions is not there.
do $$
begin
  execute (
    select 'drop function ' || oid::regprocedure from pg_proc
    where pronamespace = to_regnamespace(current_setting('search_path')) and proname like 'promote_%'
  );
end
$$
