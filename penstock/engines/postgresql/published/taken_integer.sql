-- The whole number in the field; null where it is left out.
create or replace function taken_integer(object jsonb, name text, lowest integer, highest integer, place text)
returns integer
language plpgsql immutable as $$
declare
  value numeric := taken(object, name, 'number', place);
begin
  if scale(value) > 0 then
    perform wrong(place || name, format('is no whole number; give one from %s to %s', lowest, highest));
  elsif value not between lowest and highest then
    perform wrong(place || name, format('is not within %s and %s', lowest, highest));
  end if;
  return value;
end
$$;
revoke execute on function taken_integer(jsonb, text, integer, integer, text) from public
