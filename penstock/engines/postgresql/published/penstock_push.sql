-- Push one job (an object) or many (an array) within the transaction of the caller: each is there exactly if it commits.
-- One row for each job, in order. Whoever may execute this needs no other right.
create or replace function penstock_push(jobs jsonb)
returns table (id bigint, deduplicated boolean, replayed boolean)
language plpgsql
security definer
set search_path from current
set plan_cache_mode = force_generic_plan
set jit = off
set extra_float_digits = 1
as $$
#variable_conflict use_column
declare
  given record;
  is_conflict boolean;
begin
  select array_agg(domain) as domains, array_agg(type) as types, array_agg(params) as params,
    array_agg(details) as details, array_agg(priority) as priorities, array_agg(delay) as delays,
    array_agg(run_at) as run_ats, array_agg(dedupe_key) as dedupe_keys, array_agg(root_signature) as root_signatures,
    array_agg(root_timestamp) as root_timestamps, array_agg(max_attempts) as max_attempts,
    array_agg(delivery) as deliveries, array_agg(idempotency_key) as idempotency_keys, array_agg(item) as items,
    array_agg(fingerprint) as fingerprints, interval '28 days' as root_memory, interval '24 hours' as idempotency_memory
  into given
  from asked_jobs(jobs);
  if given.types is null then
    return;
  elsif array_remove(given.idempotency_keys, null) = '{}' then
    return query select answer.id, answer.deduplicated, answer.replayed from {push} as answer;
    return;
  end if;
  for tries in 1..5 loop
    begin
      for id, deduplicated, replayed, is_conflict in
        select answer.id, answer.deduplicated, answer.replayed, answer.conflict from {push} as answer
      loop
        if is_conflict then
          perform wrong('idempotency_key', 'was used for another push; use a new key for a new one');
        end if;
        return next;
      end loop;
      return;
    -- Another push under the same key was committed meanwhile, so this one is its replay, or a conflict.
    exception when unique_violation then
      if tries = 5 then
        raise;
      end if;
    end;
  end loop;
end
$$;

-- At first nobody else may; whoever is given the right keeps it. What it calls nobody else ever may: the first call of a
-- function in a session settles what the names in it mean, and would have code of the caller run by the right of the owner.
do $$
begin
  if (select proacl is null from pg_proc where oid = 'penstock_push(jsonb)'::regprocedure) then
    revoke execute on function penstock_push(jsonb) from public;
  end if;
end
$$
