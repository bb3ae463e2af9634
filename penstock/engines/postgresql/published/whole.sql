-- The object as text, as jobs keep it.
create or replace function whole(object jsonb, place text) returns text language plpgsql immutable as $$
declare
  written text := canonical(object, place);
  size integer := octet_length(convert_to(written, 'UTF8'));
  marks text := written;
begin
  if size > 1048576 then
    perform wrong(place, format('%s bytes as JSON; at most 1048576 are taken', size));
  end if;
  if length(marks) - length(translate(marks, '[{', '')) > 100000 then
    marks := regexp_replace(marks, '"([^"\\]|\\.)*"', '', 'g');
    if length(marks) - length(translate(marks, '[{', '')) > 100000 then
      perform wrong(place, 'more than 100000 lists and objects; send fewer');
    end if;
  end if;
  return written;
end
$$;
revoke execute on function whole(jsonb, text) from public
