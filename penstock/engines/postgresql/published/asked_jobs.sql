-- The jobs, each checked, with their place. Those that are asked for under one key are told apart by their item.
create or replace function asked_jobs(jobs jsonb) returns table (
  place bigint, domain text, type text, params text, details text, priority integer,
  delay interval, run_at timestamptz, dedupe_key text, root_signature text, root_timestamp timestamptz,
  max_attempts integer, delivery text, idempotency_key text, item integer, fingerprint text
) language plpgsql stable as $$
#variable_conflict use_column
begin
  if jsonb_typeof(jobs) = 'array' then
    if jsonb_array_length(jobs) > 10000 then
      perform wrong('jobs', format('%s jobs; at most 10000 at once', jsonb_array_length(jobs)));
    end if;
  elsif jsonb_typeof(jobs) is distinct from 'object' then
    perform wrong('jobs', 'is no job; send an object, as {"type": "mail"}, or an array of them');
  end if;
  return query
  with given as materialized (
    select listed.job, listed.place, format('jobs[%s].', listed.place - 1) as named
    from jsonb_array_elements(case when jsonb_typeof(jobs) = 'array' then jobs else '[]' end)
      with ordinality as listed (job, place)
    union all
    select jobs, 1, ''
    where jsonb_typeof(jobs) = 'object'
  ),
  read as materialized (
    select given.place, given.job, asked.*
    from given
    cross join lateral asked_job(given.job, given.named) as asked
  ),
  keyed as materialized (
    select idempotency_key,
      encode(sha256(convert_to(jsonb_agg(job - 'idempotency_key' order by place)::text, 'UTF8')), 'hex') as fingerprint
    from read
    where idempotency_key is not null
    group by idempotency_key
  )
  select read.place, read.domain, read.type, read.params, read.details, read.priority,
    read.delay, read.run_at, read.dedupe_key, read.root_signature, read.root_timestamp,
    read.max_attempts, read.delivery, read.idempotency_key,
    case when read.idempotency_key is not null then
      (row_number() over (partition by read.domain, read.idempotency_key order by read.place) - 1)::integer
    end,
    keyed.fingerprint
  from read
  left join keyed on keyed.idempotency_key = read.idempotency_key
  order by read.place;
end
$$;
revoke execute on function asked_jobs(jsonb) from public
