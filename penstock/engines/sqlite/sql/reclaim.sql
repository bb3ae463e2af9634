-- Find claims past their time, take those from their holders that may run again, and hand over the others.

-- step: expired
select
    claimed.id,
    claimed.fence,
    claimed.worker,
    claimed.attempt < job.max_attempts
        and job.delivery = 'at_least_once'
        and claimed.cancel_requested = 0 as may_run_again
from claimed
join job
    on job.id = claimed.id
where claimed.until <= :now
order by claimed.until, claimed.id
limit :limit

-- step: take
delete from claimed
where (id, fence) in (
    select value ->> 0, value ->> 1
    from json_each(:refs)
)
    and until <= :now
returning id, queue, attempt, fence

-- step: hand_over
update claimed
set fence = fence + 1,
    worker = :worker,
    claimed_at = :now,
    until = :until,
    progress = null
where (id, fence) in (
    select value ->> 0, value ->> 1
    from json_each(:refs)
)
    and until <= :now
