-- End the jobs cancelled and push their follow-ups, or ask their holders to stop. One row for each cancel, in its place.
-- `moved`: the job was on its way from one state to another; whoever asked asks again.
with clock as materialized (
  select clock_timestamp() as now
),
-- See `parts/new_jobs.sql` for the series.
given as materialized (
  select given.*
  from generate_series(1::bigint, cardinality(:ids::bigint[])) as counted (place)
  left join unnest(:ids::bigint[], :fences::bigint[], :results::text[], :errors::text[], :keeps::interval[])
    with ordinality as given (id, fence, result, error, keep, place) using (place)
),
seen as materialized (
  select id from waiting where id = any (:ids::bigint[])
  union all
  select id from claimed where id = any (:ids::bigint[])
),
-- Sorted, so that two calls with the same ids do not wait for each other.
locked_waiting as materialized (
  select * from waiting where id = any (:ids::bigint[]) order by id for update
),
locked_claimed as materialized (
  select * from claimed where id = any (:ids::bigint[]) order by id for update
),
-- Where a job is named more than once, the first cancel that can end it does.
ending as materialized (
  select given.id, min(given.place) as place
  from given
  left join locked_waiting using (id)
  left join locked_claimed on locked_claimed.id = given.id and locked_claimed.fence = given.fence
  where locked_claimed.id is not null or (locked_waiting.id is not null and given.fence is null)
  group by given.id
),
asking as materialized (
  select given.id, given.place
  from given
  left join ending using (id)
  where given.fence is null
    and given.id in (select id from locked_claimed)
    and given.place < coalesce(ending.place, given.place + 1)
),
gone_waiting as (
  delete from waiting
  where id = any (array(select id from locked_waiting where id in (select id from ending)))
  returning 1
),
gone_claimed as (
  delete from claimed
  where id = any (array(select id from locked_claimed where id in (select id from ending)))
    and ((id, fence) in (select id, fence from locked_claimed)) is true
),
requested as (
  update claimed
  set cancel_requested = true
  where id = any (array(select id from asking where id not in (select id from ending)))
),
leaving as materialized (
  select given.place, gone.*, 'cancelled' as state, given.result, given.error, given.keep
  from ending
  join given using (id, place)
  join (
    select id, queue, case when run_at is null then 'ready' else 'scheduled' end as was,
      priority, attempt, fence, null as worker, null::timestamptz as claimed_at,
      null::double precision as progress_percent, null as progress_message,
      false as cancel_requested, root_signature, root_timestamp
    from locked_waiting
    union all
    select id, queue, 'claimed', priority, attempt, fence, worker, claimed_at,
      progress_percent, progress_message,
      cancel_requested or id in (select id from asking), root_signature, root_timestamp
    from locked_claimed
  ) as gone using (id)
  -- The count is not what matters, but that the keys are gone before follow-ups come with the same.
  where (select count(*) from gone_waiting) >= 0
),
-- include follow_ups,
-- include end
select place,
  place in (select place from ending) as cancelled,
  place in (select place from asking) as asked,
  fence is null
    and id in (select id from seen)
    and id not in (select id from locked_waiting)
    and id not in (select id from locked_claimed) as moved
from given
order by place
