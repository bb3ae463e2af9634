-- What travels with a job, as text; empty for the defaults.
create or replace function details(job jsonb, place text) returns text language plpgsql immutable as $$
declare
  context text := coalesce(taken_text(job, 'context', 0, 255, place), 'default');
  timeout numeric := extract(epoch from taken_seconds(job, 'timeout', 0.001, place));
  days integer := floor(timeout / 86400);
  rest numeric := trim_scale(timeout - 86400 * days);
  trace text := taken_text(job, 'trace', 0, 255, place);
  request_id text := taken_text(job, 'request_id', 0, 255, place);
  ends jsonb := taken(job, 'callbacks', 'object', place);
  root jsonb := taken(job, 'root', 'object', place);
  is_self boolean := coalesce(taken(root, 'is_self', 'boolean', place || 'root.')::boolean, false);
  callbacks text := concat_ws(
    ',',
    callback(job, 'callback_done', 'done', false, place),
    callback(ends, 'done', 'done', true, place || 'callbacks.'),
    callback(ends, 'failed', 'failed', true, place || 'callbacks.')
  );
begin
  perform known(ends, array['done', 'failed'], place || 'callbacks.');
  if context = 'default' and callbacks = '' and not is_self and coalesce(timeout::text, trace, request_id) is null then
    return '';
  end if;
  return format(
    '{"context":%s,"timeout":%s,"callbacks":[%s],"root_is_self":%s,"trace":%s,"request_id":%s}',
    to_jsonb(context),
    case when timeout is null then 'null' else format(
      '"P%s%s"', case when days > 0 then days || 'D' end, case when rest > 0 then 'T' || rest || 'S' end
    ) end,
    callbacks,
    to_jsonb(is_self),
    coalesce(to_jsonb(trace)::text, 'null'),
    coalesce(to_jsonb(request_id)::text, 'null')
  );
end
$$;
revoke execute on function details(jsonb, text) from public
