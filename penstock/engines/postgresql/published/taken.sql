-- The field of this kind; null where it is left out, or null.
create or replace function taken(object jsonb, name text, kind text, place text) returns jsonb
language plpgsql immutable as $$
declare
  value jsonb := object -> name;
  words jsonb := '{"string": "text", "number": "a number", "boolean": "true or false",
    "object": "an object", "array": "a list"}';
begin
  if value = 'null' then
    return null;
  elsif jsonb_typeof(value) <> kind then
    perform wrong(place || name, format('is %s; send %s', words ->> jsonb_typeof(value), words ->> kind));
  end if;
  return value;
end
$$;
revoke execute on function taken(jsonb, text, text, text) from public
