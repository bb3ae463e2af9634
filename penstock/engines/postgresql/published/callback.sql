-- The command that follows on an end, as the details of a job have it; null where none is given.
create or replace function callback(object jsonb, name text, ending text, report boolean, place text) returns text
language plpgsql immutable as $$
declare
  command jsonb := taken(object, name, 'object', place);
  inside text := place || name || '.';
  type text := taken_name(command, 'type', inside);
begin
  if command is null then
    return null;
  elsif type is null then
    perform wrong(inside || 'type', 'is missing; send the name of a type');
  elsif type = 'callback' then
    perform wrong(inside || 'type', 'callback jobs are pushed by Penstock alone');
  elsif report and type <> 'http' then
    perform wrong(inside || 'type', 'callbacks under `callbacks` are URLs; use callback_done for commands');
  end if;
  return format(
    '{"on":"%s","type":"%s","params":%s,"report":%s}',
    ending, type, to_jsonb(whole(command - 'type', place || name)), to_jsonb(report)
  );
end
$$;
revoke execute on function callback(jsonb, text, text, boolean, text) from public
