-- Jobs with all that is known of them. Texts come as blobs: one that is no UTF-8 would fail the whole batch.
select
    job.id,
    queue.domain,
    queue.type,
    cast(job.params as blob),
    cast(job.details as blob),
    job.priority,
    job.max_attempts,
    job.delivery,
    job.pushed_at,
    job.root_signature,
    job.root_timestamp,
    case
        when claimed.id is not null then 'claimed'
        when ready.id is not null then 'ready'
        when scheduled.id is not null then 'scheduled'
        else finished.state
    end,
    coalesce(claimed.attempt, ready.attempt, scheduled.attempt, finished.attempt),
    coalesce(claimed.fence, ready.fence, scheduled.fence, finished.fence),
    cast(coalesce(claimed.worker, finished.worker) as blob),
    coalesce(claimed.claimed_at, finished.claimed_at),
    cast(coalesce(claimed.progress, finished.progress) as blob),
    coalesce(claimed.cancel_requested, finished.cancel_requested, 0),
    cast(coalesce(last_error.error, finished.error) as blob),
    scheduled.run_at,
    claimed.until,
    finished.finished_at,
    cast(finished.result as blob),
    cast(finished.follow_ups as blob),
    -- A job that was claimed before has no entry any more; a younger twin may have one under the same key.
    (
        select cast(dedupe.key as blob)
        from dedupe
        where dedupe.key = job.dedupe_key
            and dedupe.queue = job.queue
            and dedupe.id = job.id
    )
from json_each(:ids) as wanted
join job
    on job.id = wanted.value
join queue
    on queue.id = job.queue
left join claimed
    on claimed.id = job.id
left join ready
    on ready.queue = job.queue
    and ready.rank = -job.priority
    and ready.id = job.id
left join scheduled
    on scheduled.queue = job.queue
    and scheduled.id = job.id
left join finished
    on finished.id = job.id
left join last_error
    on last_error.id = job.id
