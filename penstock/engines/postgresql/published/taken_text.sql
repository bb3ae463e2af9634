-- The text in the field, of so many characters at most; null where it is left out.
create or replace function taken_text(object jsonb, name text, lowest integer, highest integer, place text) returns text
language plpgsql immutable as $$
declare
  value text := taken(object, name, 'string', place) #>> '{}';
begin
  if length(value) < lowest then
    perform wrong(place || name, 'is empty');
  elsif length(value) > highest then
    perform wrong(place || name, format('%s characters; at most %s', length(value), highest));
  end if;
  return value;
end
$$;
revoke execute on function taken_text(jsonb, text, integer, integer, text) from public
