-- Jobs may come from transactions of others, which may stay open for long, and belong to a user who owns nothing here.

-- What the configuration says of the jobs of a type, for those who do not know it; without a type: of all others.
create table policy (
  type text collate "C" primary key,
  store text,
  max_attempts integer not null,
  delivery text not null
);

-- What was to be made of the functions for others, and by the release of which schema.
create table published (
  fingerprint text primary key,
  number integer not null
);

-- Told at the commit, not at the move: a job that is pushed now may be there in an hour, or never.
drop trigger tell on tally;

-- By the right of its owner: at the commit nobody else has any.
do $do$
begin
  execute format(
    'create or replace function tell() returns trigger language plpgsql'
    ' security definer set search_path = %I, pg_temp as %L',
    current_setting('search_path'),
    $$
declare
  count bigint := nextval('wake');
  now bigint := 1000 * extract(epoch from clock_timestamp());
begin
  if now - (select last_value from told) not between 0 and 9 then
    perform setval('told', now), pg_notify(current_schema(), count::text);
  end if;
  return null;
end
    $$
  );
end
$do$;

create constraint trigger tell
after insert on tally
deferrable initially deferred
for each row when (new.ready > 0) execute function tell();
