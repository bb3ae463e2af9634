-- What surrounds every commit.

-- step: begin
begin immediate

-- step: read
begin

-- step: store
select last_now, next_id, wakes
from store

-- step: save
savepoint call

-- step: restore
rollback to call

-- step: forget
release call

-- step: tally
update queue
set scheduled = queue.scheduled + (changes.value ->> 1),
    ready = queue.ready + (changes.value ->> 2),
    claimed = queue.claimed + (changes.value ->> 3),
    done = queue.done + (changes.value ->> 4),
    dead = queue.dead + (changes.value ->> 5),
    cancelled = queue.cancelled + (changes.value ->> 6),
    superseded = queue.superseded + (changes.value ->> 7),
    deleted = queue.deleted + (changes.value ->> 8),
    pushed = queue.pushed + (changes.value ->> 9)
from json_each(:changes) as changes
where queue.id = changes.value ->> 0

-- step: advance
update store
set last_now = :now,
    next_id = :next_id,
    wakes = :wakes

-- step: commit
commit

-- step: rollback
rollback
