-- Delete finished jobs past their time, and forget old roots, keys and presences.

-- step: old
insert into moving (place, id, queue, attempt, fence, was, state)
select 0, id, queue, attempt, fence, state, 'deleted'
from finished force index (by_time)
where keep_until <= @now
order by keep_until
limit :most
for update skip locked

-- step: count
select count(*)
from moving

-- step: roots
delete from root
where until <= @now
order by until
limit :most

-- step: keys
delete from idempotency
where until <= @now
order by until
limit :most

-- step: presences
delete from presence
where until <= @now
