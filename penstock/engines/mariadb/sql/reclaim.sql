-- Take expired claims from their holders: ready again, or handed to the caller where the job must not run again.

-- step: expired
insert into moving (place, id, queue, attempt, fence, since, cancel_requested, was, state)
select 0, id, queue, attempt, fence, claimed_at, cancel_requested, 'claimed', 'claimed'
from claimed force index (by_time)
where until <= @now
order by until, id
limit :most
for update skip locked

-- step: judge
update moving
straight_join job
    on job.id = moving.id
set moving.state = 'ready'
where moving.attempt < job.max_attempts
    and job.delivery = 'at_least_once'
    and not moving.cancel_requested

-- step: readied
select count(*)
from moving
where state = 'ready'

-- step: lost
insert into last_error (id, error)
select straight_join
    moving.id,
    concat('lost: worker ''', claimed.worker, ''' gave no sign of life')
from moving
join claimed
    on claimed.id = moving.id
where moving.state = 'ready'
on duplicate key update error = values(error)

-- step: hand_over
update moving
straight_join claimed
    on claimed.id = moving.id
set claimed.fence = claimed.fence + 1,
    claimed.worker = :worker,
    claimed.claimed_at = greatest(@now, claimed.claimed_at),
    claimed.until = @now + :ttl
where moving.state = 'claimed'
