-- Keep the jobs in `leaving` as finished, or drop those that nobody wants to read. Before: `clock`, `leaving`, `followed`.
kept as (
  insert into finished (
    id, queue, state, priority, attempt, fence, worker, claimed_at, finished_at, keep_until,
    progress_percent, progress_message, cancel_requested, root_signature, root_timestamp,
    result, error, follow_up_ids, follow_up_ons
  )
  select leaving.id, leaving.queue, leaving.state, leaving.priority, leaving.attempt, leaving.fence,
    leaving.worker, leaving.claimed_at, clock.now, clock.now + leaving.keep,
    leaving.progress_percent, leaving.progress_message, leaving.cancel_requested,
    leaving.root_signature, leaving.root_timestamp,
    leaving.result, leaving.error, followed.ids, followed.ons
  from leaving
  cross join clock
  left join followed using (place)
  where leaving.keep > interval '0'
  order by leaving.id
),
dropped as (
  delete from job
  where job.id = any (array(select id from leaving where keep <= interval '0'))
),
tallied_end as (
  insert into tally (queue, scheduled, ready, claimed, done, dead, cancelled, superseded, deleted)
  select queue,
    -count(*) filter (where was = 'scheduled'),
    -count(*) filter (where was = 'ready'),
    -count(*) filter (where was = 'claimed'),
    count(*) filter (where state = 'done' and keep > interval '0'),
    count(*) filter (where state = 'dead' and keep > interval '0'),
    count(*) filter (where state = 'cancelled' and keep > interval '0'),
    count(*) filter (where state = 'superseded' and keep > interval '0'),
    count(*) filter (where keep <= interval '0')
  from leaving
  group by queue
)
