-- The claims have ended done, each with a result.
with gone as (
  delete from claimed
  where id = any ($1::bigint[]) and ((id, fence) in (select * from unnest($1::bigint[], $2::bigint[]))) is true
  returning *
),
kept as (
  insert into finished (
    id, queue, state, priority, attempt, fence, worker, claimed_at, finished_at, keep_until,
    progress_percent, progress_message, cancel_requested, root_signature, root_timestamp, result, error
  )
  select id, queue, 'done', priority, attempt, fence, worker, claimed_at, now(), now() + $3::interval,
    progress_percent, progress_message, cancel_requested, root_signature, root_timestamp, 'true', error
  from gone
)
insert into tally (queue, claimed, done)
select queue, -count(*), count(*)
from gone
group by queue
