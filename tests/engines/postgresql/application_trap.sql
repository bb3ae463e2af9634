-- As an application that would have names in functions of ours mean things of its own.
create function pg_temp.spy(written pg_catalog.text) returns boolean language plpgsql as $$
begin
  perform set_config('trap.caught', current_user, false);
  return true;
end
$$;
create domain pg_temp.text as pg_catalog.text check (pg_temp.spy(value));
set search_path = pg_temp, pg_catalog, penstock
