-- Store the jobs, or raise the waiting twins of those that have one. One row for each job, in its place.
with clock as materialized (
  select clock_timestamp() as now
),
asked as materialized (
  select new.*, 1 as call from
-- include new_jobs
),
-- include push
select place, id, deduplicated, replayed, conflict, at
from answer
order by place
