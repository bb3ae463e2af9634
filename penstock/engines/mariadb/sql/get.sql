-- The named jobs as they stand, in any order.
select straight_join
    job.id,
    queue.domain,
    queue.type,
    job.params,
    job.details,
    job.priority,
    coalesce(ready.attempt, scheduled.attempt, claimed.attempt, finished.attempt),
    job.max_attempts,
    coalesce(ready.fence, scheduled.fence, claimed.fence, finished.fence),
    job.delivery,
    job.pushed_at,
    coalesce(claimed.worker, finished.worker),
    coalesce(claimed.claimed_at, finished.claimed_at),
    coalesce(claimed.cancel_requested, finished.cancel_requested, false),
    job.root_signature,
    job.root_timestamp,
    last_error.error,
    case
        when ready.id is not null then 'ready'
        when scheduled.id is not null then 'scheduled'
        when claimed.id is not null then 'claimed'
        else finished.state
    end,
    scheduled.run_at,
    finished.finished_at,
    result.result,
    progress.percent,
    progress.message,
    (
        select group_concat(follow_up.ending, ' ', follow_up.id order by follow_up.place)
        from follow_up
        where follow_up.parent = job.id
    ),
    twin.told
from job
join queue
    on queue.id = job.queue
left join ready force index (by_id)
    on ready.queue = job.queue
    and ready.id = job.id
left join scheduled
    on scheduled.id = job.id
left join claimed
    on claimed.id = job.id
left join finished
    on finished.id = job.id
left join result
    on result.id = job.id
left join progress
    on progress.id = job.id
left join last_error
    on last_error.id = job.id
left join twin
    on twin.id = job.id
where job.id in (
-- each
:id
-- then
)
