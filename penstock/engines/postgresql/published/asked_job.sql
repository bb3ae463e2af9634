-- The job, checked and stamped as Python does it, but for what only a handler knows.
create or replace function asked_job(
  job jsonb, place text, out domain text, out type text, out params text, out details text, out priority integer,
  out delay interval, out run_at timestamptz, out dedupe_key text, out root_signature text,
  out root_timestamp timestamptz, out max_attempts integer, out delivery text, out idempotency_key text
) language plpgsql stable as $$
#variable_conflict use_variable
declare
  command jsonb;
  work jsonb;
  root jsonb;
  own policy;
begin
  if jsonb_typeof(job) is distinct from 'object' then
    perform wrong(coalesce(nullif(rtrim(place, '.'), ''), 'jobs'), 'is no job; send an object, as {"type": "mail"}');
  end if;
  perform known(job, array[
    'type', 'params', 'command', 'callback_done', 'domain', 'context', 'priority', 'delay', 'run_at', 'dedupe', 'root',
    'max_attempts', 'timeout', 'callbacks', 'idempotency_key', 'trace', 'request_id'
  ], place);
  command := taken(job, 'command', 'object', place);
  if command is null then
    type := taken_name(job, 'type', place);
    work := coalesce(taken(job, 'params', 'object', place), '{}');
    params := whole(work, place || 'params');
  elsif coalesce(nullif(job -> 'type', 'null'), nullif(job -> 'params', 'null')) is not null then
    perform wrong(place || 'command', 'stands beside type or params; send one of the two');
  else
    type := taken_name(command, 'type', place || 'command.');
    work := command - 'type';
    params := whole(work, place || 'command');
  end if;
  if type is null then
    perform wrong(place || case when command is null then 'type' else 'command.type' end, 'is missing; send the name of a type');
  elsif type = 'callback' then
    perform wrong(place || 'type', 'callback jobs are pushed by Penstock alone; use `callbacks`');
  end if;
  -- An empty text comes first in order: the policy of all other types.
  select * into own from policy where policy.type in (asked_job.type, '') order by policy.type desc limit 1;
  if own.store is not null then
    perform wrong(place || 'type', format('jobs of type %s live in store %s; push them there', type, own.store));
  end if;
  domain := coalesce(taken_name(job, 'domain', place), 'default');
  -- To look for what is not there, field by field, would take most of the time of a plain job.
  details := '';
  if job ?| array['context', 'timeout', 'callbacks', 'callback_done', 'root', 'trace', 'request_id'] then
    details := details(job, place);
  end if;
  priority := coalesce(taken_integer(job, 'priority', 0, 1000, place), 500);
  delay := coalesce(taken_seconds(job, 'delay', 0, place), interval '0');
  if job ? 'run_at' then
    run_at := taken_time(job, 'run_at', place);
    if run_at is not null and nullif(job -> 'delay', 'null') is not null then
      perform wrong(place || 'run_at', 'stands beside delay; give one of the two');
    end if;
  end if;
  if job ? 'dedupe' then
    dedupe_key := dedupe_key(job, work, params, place);
  end if;
  root := taken(job, 'root', 'object', place);
  if root is not null then
    perform known(root, array['signature', 'timestamp', 'is_self'], place || 'root.');
    root_signature := taken_text(root, 'signature', 1, 255, place || 'root.');
    root_timestamp := taken_time(root, 'timestamp', place || 'root.');
    if root_signature is null or root_timestamp is null then
      perform wrong(place || case when root_signature is null then 'root.signature' else 'root.timestamp' end, 'is missing');
    end if;
  end if;
  max_attempts := coalesce(taken_integer(job, 'max_attempts', 1, 1000, place), own.max_attempts, 3);
  delivery := coalesce(own.delivery, 'at_least_once');
  idempotency_key := taken_text(job, 'idempotency_key', 1, 255, place);
end
$$;
revoke execute on function asked_job(jsonb, text) from public
