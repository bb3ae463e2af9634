-- Steps of every statement that pushes. Before: `clock`, and `asked`, the jobs with their place and their `call`.
-- After: `answer`.
-- The planner knows nothing of arrays and steps. Where it expects few rows it compares each with each, so nothing here
-- makes it expect few: outer joins instead of inner ones, tests of truth instead of equality. Where it expects many it
-- reads whole tables, so what is looked up in one is looked up one by one: `lateral`, with a limit.
-- All steps read one snapshot. What another call commits meanwhile is met in unique indexes only: at `queue`, `waiting`
-- and `root` by `on conflict`, at `idempotency` by an error after which the whole statement runs again.
-- include queue_of,
-- include asked_together,
-- Of jobs with the same idempotency key and item the first answers for all.
judged as materialized (
  select keyed.*, queue_of.id as queue,
    coalesce(keyed.run_at, clock.now + keyed.delay) as due,
    coalesce(keyed.recorded_until - :idempotency_memory::interval, clock.now) as at,
    keyed.recorded_id is null and not keyed.is_fallen and keyed.place = keyed.first_of_key as is_fresh
  from (
    select matched.*,
      case
        when idempotency_key is null then place
        else min(place) over (partition by domain, idempotency_key, item, is_fallen)
      end as first_of_key
    from matched
  ) as keyed
  cross join clock
  left join queue_of using (domain, type)
),
-- Of equal jobs the first stands for all.
fresh as materialized (
  select judged.*,
    case
      when dedupe_key is null then place
      else min(place) over (partition by queue, dedupe_key)
    end as first_of_twins
  from judged
  where is_fresh
),
candidate as materialized (
  select nextval('job_id') as id, twins.*
  from (
    select first_of_twins as place,
      min(queue) as queue,
      min(dedupe_key) as dedupe_key,
      max(priority) as priority,
      min(due) as due,
      (array_agg(root_signature order by root_timestamp desc nulls last, place))[1] as root_signature,
      max(root_timestamp) as root_timestamp
    from fresh
    group by first_of_twins
    order by first_of_twins
  ) as twins
),
placed as (
  insert into waiting as twin (
    id, queue, priority, run_at, ready_at, dedupe_key, root_signature, root_timestamp
  )
  select id, queue, priority,
    case when due > now then due end,
    case when due <= now then now end,
    dedupe_key, root_signature, root_timestamp
  from candidate
  cross join clock
  -- Sorted, so that two calls with the same keys do not wait for each other.
  order by queue, dedupe_key, id
  on conflict (queue, dedupe_key) where dedupe_key is not null do update
  set priority = greatest(twin.priority, excluded.priority),
    run_at = case
      when twin.run_at is null or excluded.run_at is null then null
      when least(twin.run_at, excluded.run_at) > (select now from clock) then least(twin.run_at, excluded.run_at)
    end,
    ready_at = case
      when twin.run_at is null then twin.ready_at
      when excluded.run_at is null or least(twin.run_at, excluded.run_at) <= (select now from clock)
      then (select now from clock)
    end,
    root_signature = case
      when twin.root_timestamp >= excluded.root_timestamp or excluded.root_timestamp is null
      then twin.root_signature
      else excluded.root_signature
    end,
    root_timestamp = greatest(twin.root_timestamp, excluded.root_timestamp),
    was_scheduled = twin.run_at is not null
  returning id, queue, dedupe_key, run_at, was_scheduled
),
settled as materialized (
  select candidate.place, placed.id, placed.queue, placed.run_at, placed.was_scheduled, false as raised
  from candidate
  join placed on placed.id = candidate.id
  union all
  select candidate.place, placed.id, placed.queue, placed.run_at, placed.was_scheduled, true
  from candidate
  join placed on placed.queue = candidate.queue and placed.dedupe_key = candidate.dedupe_key
  where placed.id <> candidate.id
),
stored as (
  insert into job (id, queue, params, details, max_attempts, delivery, pushed_at)
  select settled.id, settled.queue, fresh.params, fresh.details, fresh.max_attempts, fresh.delivery, clock.now
  from settled
  join fresh on fresh.place = settled.place
  cross join clock
  where not settled.raised
  order by settled.id
),
registered as (
  insert into root as known (queue, signature, timestamp, until)
  select queue, root_signature, max(root_timestamp), max(clock.now) + :root_memory::interval
  from fresh
  cross join clock
  where root_signature is not null
  group by queue, root_signature
  order by queue, root_signature
  on conflict (queue, signature) do update
  set timestamp = excluded.timestamp, until = excluded.until
  where known.timestamp < excluded.timestamp or known.until <= (select now from clock)
),
first_answer as materialized (
  select fresh.place, fresh.domain, fresh.idempotency_key, fresh.item, fresh.fingerprint, settled.id,
    settled.raised or fresh.place <> fresh.first_of_twins as deduplicated
  from fresh
  join settled on settled.place = fresh.first_of_twins
),
forgotten as (
  delete from idempotency
  where ctid = any (array(
    select found.ctid
    from first_answer
    cross join lateral (
      select idempotency.ctid, idempotency.until
      from idempotency
      where idempotency.domain = first_answer.domain
        and idempotency.key = first_answer.idempotency_key
        and idempotency.item = first_answer.item
      limit 1
    ) as found
    where found.until <= (select now from clock)
  ))
  returning 1
),
remembered as (
  insert into idempotency (domain, key, item, fingerprint, id, deduplicated, until)
  select domain, idempotency_key, item, fingerprint, id, deduplicated, now + :idempotency_memory::interval
  from first_answer
  cross join clock
  -- The count is not what matters, but that the old records are gone before the new ones come.
  where idempotency_key is not null and (select count(*) from forgotten) >= 0
  order by domain, idempotency_key, item
),
tallied_push as (
  insert into tally (queue, pushed, scheduled, ready)
  select queue,
    count(*) filter (where not raised),
    count(*) filter (where not raised and run_at is not null)
      - count(*) filter (where raised and was_scheduled and run_at is null),
    count(*) filter (where not raised and run_at is null)
      + count(*) filter (where raised and was_scheduled and run_at is null)
  from settled
  where not raised or (was_scheduled and run_at is null)
  group by queue
),
answer as materialized (
  select judged.place,
    case when not judged.is_fallen then judged.at end as at,
    case when judged.is_fallen then 0 else coalesce(judged.recorded_id, first_answer.id) end as id,
    judged.is_fallen as conflict,
    not judged.is_fallen and (judged.recorded_id is not null or judged.first_of_key <> judged.place) as replayed,
    not judged.is_fallen and coalesce(judged.recorded_deduplicated, first_answer.deduplicated) as deduplicated
  from judged
  left join first_answer on first_answer.place = judged.first_of_key
)
