-- Line the jobs up again with the error kept.
-- One row for each claim that was held, in its place; where a cancel was asked for, nothing changed.
with clock as materialized (
  select clock_timestamp() as now
),
named as materialized (
  select *, min(place) over (partition by id, fence) as first_place
  from unnest(:ids::bigint[], :fences::bigint[], :errors::text[], :afters::interval[])
    with ordinality as named (id, fence, error, after, place)
  -- Sorted, so that two calls with the same claims do not wait for each other.
  order by id, fence
),
found as materialized (
  select named.place, named.first_place, named.after, locked.id, locked.queue, locked.priority, locked.attempt,
    locked.fence, locked.cancel_requested, locked.root_signature, locked.root_timestamp, named.error
  from named
  cross join lateral (
    select *
    from claimed
    where claimed.id = named.id and claimed.fence = named.fence
    for update
  ) as locked
),
-- A claim that is named twice moves where it stands first.
held as materialized (
  select *
  from found
  where place = first_place and not cancel_requested
),
-- include let_go,
given_back as materialized (
  select held.*, 'claimed' as was
  from held
),
-- include given_back
select place, cancel_requested
from found
where place = first_place or cancel_requested
