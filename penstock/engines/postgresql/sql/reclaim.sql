-- Take expired claims from their holders: ready again, or handed to the caller where the job must not run again.
-- One row for each claim handed over, the oldest first; without one a row that tells only how many were readied.
with clock as materialized (
  select clock_timestamp() as now
),
expired as materialized (
  select *
  from claimed
  where until <= (select now from clock)
  order by until, id
  limit :limit::integer
  for update skip locked
),
judged as materialized (
  select expired.*, job.params, job.details, job.max_attempts, job.delivery, job.pushed_at,
    expired.attempt < job.max_attempts and job.delivery = 'at_least_once' and not expired.cancel_requested
      as may_run_again
  from expired
  cross join lateral (select * from job where job.id = expired.id limit 1) as job
),
held as materialized (
  select id, queue, priority, attempt, fence, root_signature, root_timestamp,
    format('lost: worker ''%s'' gave no sign of life', worker) as error
  from judged
  where may_run_again
),
-- include let_go,
given_back as materialized (
  select held.*, 'claimed' as was, interval '0' as after
  from held
),
-- include given_back,
last as materialized (
  select *
  from judged
  where not may_run_again
),
taken as (
  update claimed
  set fence = claimed.fence + 1,
    worker = :worker::text,
    claimed_at = clock.now,
    until = clock.now + :ttl::interval,
    progress_percent = null,
    progress_message = null
  from clock
  where claimed.id = any (array(select id from last))
    and ((claimed.id, claimed.fence) in (select id, fence from last)) is true
)
select back.readied, handed.*
from (select count(*) as readied from given_back) as back
left join (
  select last.until as was_until, last.id, queue.domain, queue.type, last.params, last.details,
    last.priority, last.attempt, last.max_attempts, last.fence + 1 as fence, last.delivery, last.pushed_at,
    :worker::text as worker, clock.now as claimed_at, clock.now + :ttl::interval as until, last.cancel_requested,
    last.root_signature, last.root_timestamp, last.error
  from last
  cross join clock
  cross join lateral (select * from queue where queue.id = last.queue limit 1) as queue
) as handed on true
order by handed.was_until, handed.id
