-- The jobs in `moving` come to where they go.

-- step: ready
insert into ready (queue, `rank`, id, ready_at, attempt, fence, keyed, rooted)
select straight_join
    moving.queue,
    -job.priority,
    moving.id,
    @now,
    moving.attempt,
    moving.fence,
    moving.keyed,
    job.root_signature is not null
from moving
join job
    on job.id = moving.id
where moving.state = 'ready'

-- step: scheduled
insert into scheduled (id, queue, run_at, attempt, fence, keyed, rooted)
select straight_join
    moving.id,
    moving.queue,
    @now + moving.span,
    moving.attempt,
    moving.fence,
    moving.keyed,
    job.root_signature is not null
from moving
join job
    on job.id = moving.id
where moving.state = 'scheduled'

-- No claim began before its job was ready, whatever happened to the server's clock.
-- step: claimed
insert into claimed (id, queue, attempt, fence, worker, claimed_at, until)
select
    id,
    queue,
    attempt + 1,
    fence + 1,
    :worker,
    greatest(@now, coalesce(since, @now)),
    greatest(@now, coalesce(since, @now)) + span
from moving
where state = 'claimed'

-- No job ended before it was claimed, or pushed.
-- step: finished
insert into finished (
    id, queue, state, attempt, fence, worker, claimed_at, finished_at, keep_until, cancel_requested
)
select straight_join
    moving.id,
    moving.queue,
    moving.state,
    moving.attempt,
    moving.fence,
    claimed.worker,
    claimed.claimed_at,
    greatest(@now, coalesce(claimed.claimed_at, moving.since, @now)),
    greatest(@now, coalesce(claimed.claimed_at, moving.since, @now)) + moving.keep,
    moving.cancel_requested
from moving
left join claimed
    on claimed.id = moving.id
where moving.state not in ('ready', 'scheduled', 'claimed', 'deleted')

-- What is said of the jobs in `moving`, by the place at which the call names them.
-- step: last_error
insert into last_error (id, error)
with said (place, error) as (
    values
-- each
    (:place, :error)
-- then
)
select straight_join moving.id, said.error
from said
join moving
    on moving.place = said.place
where moving.state <> 'deleted'
on duplicate key update error = values(error)

-- step: result
insert into result (id, result)
with said (place, result) as (
    values
-- each
    (:place, :result)
-- then
)
select straight_join moving.id, said.result
from said
join moving
    on moving.place = said.place
where moving.state <> 'deleted'
on duplicate key update result = values(result)

-- step: follow_ups
insert into follow_up (parent, place, ending, id)
values
-- each
(:parent, :place, :ending, :id)

-- The claims in `moving`, with all that their worker needs. The driver takes its time for each column, so the numbers are one.
-- step: claims
select straight_join
    concat_ws(
        ' ',
        job.id,
        job.priority,
        claimed.attempt,
        job.max_attempts,
        claimed.fence,
        job.delivery = 'at_least_once',
        job.pushed_at,
        claimed.claimed_at,
        claimed.until,
        claimed.cancel_requested,
        coalesce(job.root_timestamp, 0)
    ),
    queue.domain,
    queue.type,
    job.params,
    job.details,
    job.root_signature,
    last_error.error
from moving
join claimed
    on claimed.id = moving.id
join job
    on job.id = moving.id
join queue
    on queue.id = moving.queue
left join last_error
    on last_error.id = moving.id
where moving.state = 'claimed'
order by moving.position
