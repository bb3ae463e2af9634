-- The value as text: keys in the order of their bytes, nothing between the marks. What cannot be kept is refused.
create or replace function canonical(value jsonb, place text, depth integer default 1) returns text
language plpgsql immutable as $$
declare
  kind text := jsonb_typeof(value);
  number numeric;
begin
  if kind in ('object', 'array') and depth > 32 then
    perform wrong(place, 'nested deeper than 32');
  elsif kind = 'object' then
    return '{' || coalesce((
      select string_agg(
        to_jsonb(each.key)::text || ':' || case
          when jsonb_typeof(each.value) in ('string', 'boolean') then each.value::text
          else canonical(each.value, place || '.' || left(each.key, 100), depth + 1)
        end,
        ',' order by each.key collate "C"
      )
      from jsonb_each(value) as each
    ), '') || '}';
  elsif kind = 'array' then
    return '[' || coalesce((
      select string_agg(canonical(item, format('%s[%s]', place, at - 1), depth + 1), ',' order by at)
      from jsonb_array_elements(value) with ordinality as each (item, at)
    ), '') || ']';
  elsif kind = 'number' then
    number := value;
    if scale(number) = 0 and number not between -9223372036854775808 and 9223372036854775807 then
      perform wrong(place, 'an integer beyond 64 bits; send it as a string');
    elsif abs(number) > 1.7976931348623157e308 then
      perform wrong(place, 'a number that is too large; send it as a string');
    end if;
    return coalesce(exact(number), number::text);
  end if;
  return value::text;
end
$$;
revoke execute on function canonical(jsonb, text, integer) from public
