-- The time in the field; null where it is left out. What others take for times, as `now`, or without a zone, is refused.
create or replace function taken_time(object jsonb, name text, place text) returns timestamptz
language plpgsql immutable as $$
declare
  value text := taken(object, name, 'string', place) #>> '{}';
  found timestamptz;
begin
  if value !~ '^\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$' then
    perform wrong(place || name, 'is no time of RFC 3339 with a zone; send one as 2026-12-01T00:00:00Z');
  end if;
  begin
    found := value;
  exception when datetime_field_overflow or invalid_time_zone_displacement_value then
    perform wrong(place || name, 'is no time that there is');
  end;
  if found not between '0001-01-01Z' and '9999-12-31 23:59:59.999999Z' then
    perform wrong(place || name, 'is outside of the years 1 to 9999 in UTC');
  end if;
  return found;
end
$$;
revoke execute on function taken_time(jsonb, text, text) from public
