-- Delete finished jobs past their time, forget old roots, keys and presences, and fold the tallies. One row: how many jobs.
with clock as materialized (
  select clock_timestamp() as now
),
old as materialized (
  select id
  from finished
  where keep_until <= (select now from clock)
  order by keep_until
  limit :limit::integer
  for update skip locked
),
gone as (
  delete from finished
  where finished.id = any (array(select id from old))
  returning finished.id, finished.queue, finished.state
),
dropped as (
  delete from job
  where job.id = any (array(select id from gone))
),
tallied as (
  insert into tally (queue, done, dead, cancelled, superseded, deleted)
  select queue,
    -count(*) filter (where state = 'done'),
    -count(*) filter (where state = 'dead'),
    -count(*) filter (where state = 'cancelled'),
    -count(*) filter (where state = 'superseded'),
    count(*)
  from gone
  group by queue
),
old_roots as (
  delete from root
  where ctid = any (array(
    select ctid from root
    where until <= (select now from clock)
    limit :limit::integer
    for update skip locked
  ))
),
old_keys as (
  delete from idempotency
  where ctid = any (array(
    select ctid from idempotency
    where until <= (select now from clock)
    limit :limit::integer
    for update skip locked
  ))
),
old_presences as (
  delete from presence
  where until <= (select now from clock)
),
-- Only where it pays: a queue with few rows is summed as quickly as it is folded.
crowded as materialized (
  select queue
  from (select queue from tally limit 10000) as some_tallies
  group by queue
  having count(*) > 20
),
folded as (
  delete from tally
  where ctid = any (array(
    select ctid from tally
    where queue in (select queue from crowded)
    limit 10000
    for update skip locked
  ))
  returning *
),
sums as (
  insert into tally (queue, pushed, scheduled, ready, claimed, done, dead, cancelled, superseded, deleted)
  select queue, sum(pushed), sum(scheduled), sum(ready), sum(claimed), sum(done), sum(dead),
    sum(cancelled), sum(superseded), sum(deleted)
  from folded
  group by queue
)
select count(*) as count from gone
