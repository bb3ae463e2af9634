-- The schema on the search path is there. Asked for first: without the right to create, `if not exists` is refused too.
do $$
begin
  if to_regnamespace(quote_ident(current_setting('search_path'))) is null then
    execute format('create schema %I', current_setting('search_path'));
  end if;
end
$$
