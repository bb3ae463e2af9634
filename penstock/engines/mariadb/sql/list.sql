-- The newest ids, of all jobs or of one queue in one state.

-- step: queues
select id
from queue
where (:domain is null or domain = :domain)
    and (:type is null or type = :type)

-- step: every
select id
from job
where id < :below
order by id desc
limit :most

-- step: ready
select id
from ready force index (by_id)
where queue = :queue
    and id < :below
order by id desc
limit :most

-- step: scheduled
select id
from scheduled force index (by_queue)
where queue = :queue
    and id < :below
order by id desc
limit :most

-- Few jobs are claimed at a time: an index for this would cost every claim and every end.
-- step: claimed
select id
from claimed
where queue = :queue
    and id < :below
order by id desc
limit :most

-- step: finished
select id
from finished force index (by_state)
where queue = :queue
    and state = :state
    and id < :below
order by id desc
limit :most
