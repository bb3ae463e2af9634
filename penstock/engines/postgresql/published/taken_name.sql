-- The name of a type or a domain in the field; null where it is left out.
create or replace function taken_name(object jsonb, name text, place text) returns text
language plpgsql immutable as $$
declare
  value text := taken(object, name, 'string', place) #>> '{}';
begin
  if value collate "C" !~ '^[A-Za-z0-9_][A-Za-z0-9_.:-]*$' or length(value) > 100 then
    perform wrong(place || name, format(
      '%L is no name; use 1 to 100 of A-Z a-z 0-9 _ . : - and start with a letter, a digit or _', left(value, 100)
    ));
  end if;
  return value;
end
$$;
revoke execute on function taken_name(jsonb, text, text) from public
