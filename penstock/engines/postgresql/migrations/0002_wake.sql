-- Whatever move makes a job ready adds a tally that says so. Whoever waits is told of it at the commit.

-- Rises with each of them. Not a row: two pushes would meet on it.
create sequence wake;

create function tell() returns trigger language plpgsql as $$
begin
  if exists (select from added where ready > 0) then
    perform pg_notify(tg_table_schema, nextval(format('%I.wake', tg_table_schema)::regclass)::text);
  end if;
  return null;
end
$$;

create trigger tell
after insert on tally
referencing new table as added
for each statement execute function tell();
