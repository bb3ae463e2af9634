-- End the jobs done and push their follow-ups. One row, the place, for each claim that was held.
with clock as materialized (
  select clock_timestamp() as now
),
-- A claim that is named twice counts where it stands first. Sorted, so that two calls do not wait for each other.
named as materialized (
  select distinct on (id, fence) *
  from unnest(:ids::bigint[], :fences::bigint[], :results::text[], :keeps::interval[])
    with ordinality as named (id, fence, result, keep, place)
  order by id, fence, place
),
held as materialized (
  select named.place, named.result, named.keep, locked.id, locked.queue, locked.priority, locked.attempt, locked.fence,
    locked.worker, locked.claimed_at, locked.progress_percent, locked.progress_message, locked.cancel_requested,
    locked.root_signature, locked.root_timestamp, locked.error
  from named
  cross join lateral (
    select *
    from claimed
    where claimed.id = named.id and claimed.fence = named.fence
    for update
  ) as locked
),
-- include let_go,
leaving as materialized (
  select held.*, 'claimed' as was, 'done' as state
  from held
),
-- include follow_ups,
-- include end
select place from leaving
