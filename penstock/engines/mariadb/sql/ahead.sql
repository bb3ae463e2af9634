-- How many ready jobs come before a job of its queue.

-- step: places
select job.id, job.queue, ready.`rank`
from job
straight_join ready force index (by_id)
    on ready.queue = job.queue
    and ready.id = job.id
where job.id in (
-- each
:id
-- then
)

-- Each stops counting at :most.
-- step: priority
-- each union all
select :id, (
    select count(*)
    from (
        select 1
        from ready force index (primary)
        where queue = :queue
            and `rank` < :rank
        limit :most
    ) as higher
) + (
    select count(*)
    from (
        select 1
        from ready force index (primary)
        where queue = :queue
            and `rank` = :rank
            and id < :id
        limit :most
    ) as older
)

-- step: fifo
-- each union all
select :id, (
    select count(*)
    from (
        select 1
        from ready force index (by_id)
        where queue = :queue
            and id < :id
        limit :most
    ) as older
)

-- step: random
-- each union all
select :id, (
    select count(*)
    from (
        select 1
        from ready force index (by_id)
        where queue = :queue
            and id <> :id
        limit :most
    ) as others
)
