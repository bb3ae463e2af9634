-- The duration in the field; null where it is left out.
create or replace function taken_seconds(object jsonb, name text, lowest numeric, place text) returns interval
language plpgsql immutable as $$
declare
  value numeric := taken(object, name, 'number', place);
begin
  if value not between lowest and 3660 * 86400 then
    perform wrong(place || name, format('is out of range; give %s s to 3660 days', lowest));
  end if;
  return make_interval(secs => round(value, 6)::float8);
end
$$;
revoke execute on function taken_seconds(jsonb, text, numeric, text) from public
