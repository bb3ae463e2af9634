-- The fingerprint of what counts of the params, as Python has it; null where every job is one of its own.
-- The params are given as they are written, too.
create or replace function dedupe_key(job jsonb, params jsonb, written text, place text) returns text
language plpgsql immutable as $$
declare
  asked jsonb := nullif(job -> 'dedupe', 'null');
  counts jsonb;
  missing text;
  odd text;
begin
  if asked is null or asked = 'false' then
    return null;
  elsif asked = 'true' then
    counts := params - array['rootJobSignature', 'rootJobTimestamp', 'jobReleaseTimestamp', 'requestId'];
  elsif jsonb_typeof(asked) <> 'array' or jsonb_path_exists(asked, '$[*] ? (@.type() <> "string")') then
    perform wrong(place || 'dedupe', 'is no list; send true, or the names of the params that count');
  elsif asked = '[]' then
    perform wrong(place || 'dedupe', 'is an empty list; name the params that count, or send true');
  else
    missing := (select name from jsonb_array_elements_text(asked) as name where not params ? name limit 1);
    if missing is not null then
      perform wrong(place || 'dedupe', format('names %L, which is not in params', left(missing, 100)));
    end if;
    counts := (select jsonb_object_agg(name, params -> name) from jsonb_array_elements_text(asked) as name);
  end if;
  if counts <> params then
    written := canonical(counts, place || 'params');
  end if;
  if written ~ '[0-9]\.[0-9]' then
    odd := (
      select left(number #>> '{}', 40)
      from jsonb_path_query(counts, 'strict $.** ? (@.type() == "number")') as number
      where exact(number::numeric) is null
      limit 1
    );
    if odd is not null then
      perform wrong(place || 'dedupe', format(
        'counts the number %s, which not all write alike; send it as a string, or name other params', odd
      ));
    end if;
  end if;
  return encode(sha256(convert_to(written, 'UTF8')), 'hex');
end
$$;
revoke execute on function dedupe_key(jsonb, jsonb, text, text) from public
