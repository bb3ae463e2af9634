-- What surrounds every commit.

-- step: begin
start transaction

-- step: begin_reading
start transaction with consistent snapshot, read only

-- step: clock
set @now = timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))

-- step: now
select timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))

-- Not `delete`: that leaves places that every later step passes by. Outside of a transaction, which it would end.
-- step: clear
truncate table moving

-- Within a transaction.
-- step: empty
delete from moving

-- step: clear_named
truncate table named

-- step: empty_named
delete from named

-- step: name
insert into named (place, id, fence, span, keep, percent, state, asked)
values
-- each
(:place, :id, :fence, :span, :keep, :percent, :state, :asked)

-- The changes of the counts. Sorted, as whatever two calls may both change.
-- step: tally
insert into tally (
    queue, slot, scheduled, ready, claimed, done, dead, cancelled, superseded, deleted
)
select
    queue,
    connection_id() % 16,
    sum(state = 'scheduled') - sum(was = 'scheduled'),
    sum(state = 'ready') - sum(was = 'ready'),
    sum(state = 'claimed') - sum(was = 'claimed'),
    sum(state = 'done') - sum(was = 'done'),
    sum(state = 'dead') - sum(was = 'dead'),
    sum(state = 'cancelled') - sum(was = 'cancelled'),
    sum(state = 'superseded') - sum(was = 'superseded'),
    sum(state = 'deleted')
from moving
group by queue
order by queue
on duplicate key update
    scheduled = tally.scheduled + values(scheduled),
    ready = tally.ready + values(ready),
    claimed = tally.claimed + values(claimed),
    done = tally.done + values(done),
    dead = tally.dead + values(dead),
    cancelled = tally.cancelled + values(cancelled),
    superseded = tally.superseded + values(superseded),
    deleted = tally.deleted + values(deleted)

-- Last, so that the row is locked for no longer than the commit takes.
-- step: wake
insert into wake (slot, count)
values (connection_id() % 64, 1)
on duplicate key update count = wake.count + 1

-- step: wake_if_ready
insert into wake (slot, count)
select connection_id() % 64, 1
from moving
where state = 'ready'
limit 1
on duplicate key update count = wake.count + 1

-- step: commit
commit

-- step: rollback
rollback

-- step: time
select @now
