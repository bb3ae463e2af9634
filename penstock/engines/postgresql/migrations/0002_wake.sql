-- Whatever move makes a job ready adds a tally that says so. Whoever waits is told of it at the commit.

-- Rises with each of them. Not a row: two pushes would meet on it.
create sequence wake;

-- When it was last told, in milliseconds since 1970. The server lets one commit that notifies go at a time, so in a burst
-- only some do; whoever hears one looks for the rest a moment later.
create sequence told;

create function tell() returns trigger language plpgsql set search_path from current as $$
declare
  count bigint;
  now bigint := 1000 * extract(epoch from clock_timestamp());
begin
  if exists (select from added where ready > 0) then
    count := nextval('wake');
    if now - (select last_value from told) not between 0 and 9 then
      perform setval('told', now), pg_notify(current_schema(), count::text);
    end if;
  end if;
  return null;
end
$$;

create trigger tell
after insert on tally
referencing new table as added
for each statement execute function tell();
