-- Lock the jobs in `named` where they stand, in the order of their ids, so that two calls do not wait for each other.
-- Scheduled ones before ready ones: whoever is promoted meanwhile is found among these.

-- step: claims
insert into moving (
    place, id, queue, attempt, fence, since, cancel_requested, span, keep, was, state
)
select straight_join
    named.place,
    claimed.id,
    claimed.queue,
    claimed.attempt - :given_back,
    claimed.fence,
    claimed.claimed_at,
    claimed.cancel_requested,
    named.span,
    named.keep,
    'claimed',
    named.state
from named
join claimed
    on claimed.id = named.id
    and claimed.fence = named.fence
order by named.id
for update

-- step: scheduled
insert into moving (
    place, id, queue, attempt, fence, keyed, rooted, was, state
)
select straight_join
    named.place,
    scheduled.id,
    scheduled.queue,
    scheduled.attempt,
    scheduled.fence,
    scheduled.keyed,
    scheduled.rooted,
    'scheduled',
    'scheduled'
from named
join scheduled
    on scheduled.id = named.id
order by named.id
for update

-- step: ready
insert into moving (
    place, id, queue, priority, attempt, fence, since, keyed, rooted, was, state
)
select straight_join
    named.place,
    ready.id,
    ready.queue,
    -ready.`rank`,
    ready.attempt,
    ready.fence,
    ready.ready_at,
    ready.keyed,
    ready.rooted,
    'ready',
    'ready'
from named
join ready force index (by_id)
    on ready.queue = (
        select job.queue
        from job
        where job.id = named.id
    )
    and ready.id = named.id
order by named.id
for update

-- step: claimed
insert into moving (
    place, id, queue, attempt, fence, since, cancel_requested, was, state
)
select straight_join
    named.place,
    claimed.id,
    claimed.queue,
    claimed.attempt,
    claimed.fence,
    claimed.claimed_at,
    claimed.cancel_requested,
    'claimed',
    'claimed'
from named
join claimed
    on claimed.id = named.id
order by named.id
for update

-- step: finished
insert into moving (
    place, id, queue, attempt, fence, cancel_requested, was, state
)
select straight_join
    named.place,
    finished.id,
    finished.queue,
    finished.attempt,
    finished.fence,
    finished.cancel_requested,
    finished.state,
    finished.state
from named
join finished
    on finished.id = named.id
order by named.id
for update

-- step: found
select place, id, fence, cancel_requested, was
from moving
order by position

-- What the call decided: where each goes that is named now; the others stay.
-- step: others_stay
delete moving
from moving
left join named
    on named.id = moving.id
where named.id is null

-- step: goals
update moving
join named
    on named.id = moving.id
set moving.place = named.place,
    moving.keep = named.keep,
    moving.state = named.state,
    moving.cancel_requested = moving.cancel_requested or named.asked
