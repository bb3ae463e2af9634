-- Remove the jobs that nobody holds. One row for each.
with locked_waiting as materialized (
  select id from waiting where id = any (:ids::bigint[]) order by id for update
),
locked_ended as materialized (
  select id from finished where id = any (:ids::bigint[]) order by id for update
),
gone_waiting as (
  delete from waiting
  where waiting.id = any (array(select id from locked_waiting))
  returning waiting.id, waiting.queue, waiting.run_at
),
gone_ended as (
  delete from finished
  where finished.id = any (array(select id from locked_ended))
  returning finished.id, finished.queue, finished.state
),
gone as materialized (
  select id, queue, case when run_at is null then 'ready' else 'scheduled' end as was from gone_waiting
  union all
  select id, queue, state from gone_ended
),
dropped as (
  delete from job
  where job.id = any (array(select id from gone))
),
tallied as (
  insert into tally (queue, scheduled, ready, done, dead, cancelled, superseded, deleted)
  select queue,
    -count(*) filter (where was = 'scheduled'),
    -count(*) filter (where was = 'ready'),
    -count(*) filter (where was = 'done'),
    -count(*) filter (where was = 'dead'),
    -count(*) filter (where was = 'cancelled'),
    -count(*) filter (where was = 'superseded'),
    count(*)
  from gone
  group by queue
)
select id from gone
