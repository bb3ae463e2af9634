-- Prolong the claims and keep their progress. One row for each claim that is held, in its place.
with clock as materialized (
  select clock_timestamp() as now
),
given as materialized (
  select *
  from unnest(
    :ids::bigint[], :fences::bigint[], :ttls::interval[], :percents::double precision[], :messages::text[]
  ) with ordinality as given (id, fence, ttl, percent, message, place)
),
-- Of a claim that is named twice the last word on each counts.
wanted as materialized (
  select id, fence,
    (array_agg(ttl order by place desc) filter (where ttl is not null))[1] as ttl,
    (array_agg(percent order by place desc) filter (where percent is not null))[1] as percent,
    (array_agg(message order by place desc) filter (where percent is not null))[1] as message
  from given
  group by id, fence
  -- Sorted, so that two calls with the same claims do not wait for each other.
  order by id, fence
),
held as materialized (
  select wanted.*
  from wanted
  cross join lateral (
    select
    from claimed
    where claimed.id = wanted.id and claimed.fence = wanted.fence
    for update
  ) as locked
),
renewed as (
  update claimed
  set until = coalesce(clock.now + held.ttl, claimed.until),
    progress_percent = coalesce(held.percent, claimed.progress_percent),
    progress_message = coalesce(held.message, claimed.progress_message)
  from clock, held
  where claimed.id = any (array(select id from held)) and claimed.id = held.id and claimed.fence = held.fence
  returning claimed.id, claimed.fence, claimed.cancel_requested
)
select given.place, renewed.cancel_requested
from given
join renewed using (id, fence)
