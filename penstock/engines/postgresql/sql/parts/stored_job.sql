-- A job with what changes of it, wherever that stands.
select job.id, queue.domain, queue.type, job.params, job.details, job.max_attempts, job.delivery, job.pushed_at,
  case
    when waiting.id is null then coalesce(finished.state, 'claimed')
    when waiting.run_at is null then 'ready'
    else 'scheduled'
  end as state,
  coalesce(waiting.priority, claimed.priority, finished.priority) as priority,
  coalesce(waiting.attempt, claimed.attempt, finished.attempt) as attempt,
  coalesce(waiting.fence, claimed.fence, finished.fence) as fence,
  waiting.run_at,
  waiting.dedupe_key,
  coalesce(claimed.worker, finished.worker) as worker,
  coalesce(claimed.claimed_at, finished.claimed_at) as claimed_at,
  claimed.until,
  finished.finished_at,
  coalesce(claimed.progress_percent, finished.progress_percent) as progress_percent,
  coalesce(claimed.progress_message, finished.progress_message) as progress_message,
  coalesce(claimed.cancel_requested, finished.cancel_requested, false) as cancel_requested,
  coalesce(waiting.root_signature, claimed.root_signature, finished.root_signature) as root_signature,
  coalesce(waiting.root_timestamp, claimed.root_timestamp, finished.root_timestamp) as root_timestamp,
  finished.result,
  coalesce(waiting.error, claimed.error, finished.error) as error,
  finished.follow_up_ids,
  finished.follow_up_ons
from job
cross join lateral (select * from queue where queue.id = job.queue limit 1) as queue
left join lateral (select * from waiting where waiting.id = job.id limit 1) as waiting on true
left join lateral (select * from claimed where claimed.id = job.id limit 1) as claimed on true
left join lateral (select * from finished where finished.id = job.id limit 1) as finished on true
