-- Make scheduled jobs ready whose time has come, the earliest first.

-- step: due
insert into moving (place, id, queue, attempt, fence, keyed, rooted, was, state)
select 0, id, queue, attempt, fence, keyed, rooted, 'scheduled', 'ready'
from scheduled force index (by_time)
where run_at <= @now
order by run_at, id
limit :most
for update skip locked

-- step: count
select count(*)
from moving

-- step: next
select run_at - @now
from scheduled force index (by_time)
order by run_at, id
limit 1
