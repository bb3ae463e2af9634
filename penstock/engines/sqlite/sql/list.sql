-- The highest ids below one, in one place of the store; of all places, or of some queues.

-- step: queues
select id
from queue
where (:domain is null or domain = :domain)
    and (:type is null or type = :type)
    and pushed > 0

-- step: all
select id
from job
where id < :before
order by id desc
limit :limit

-- step: claimed
select id
from claimed
where id < :before
    and queue in (
        select value
        from json_each(:queues)
    )
order by id desc
limit :limit

-- step: scheduled
select scheduled.id
from json_each(:queues) as wanted
join scheduled
    on scheduled.queue = wanted.value
    and scheduled.id in (
        select newest.id
        from scheduled as newest
        where newest.queue = wanted.value
            and newest.id < :before
        order by newest.id desc
        limit :limit
    )
order by scheduled.id desc
limit :limit

-- step: ready
with recursive step (queue, rank) as (
    select value, (
        select min(ready.rank)
        from ready
        where ready.queue = value
    )
    from json_each(:queues)
    union all
    select step.queue, (
        select min(ready.rank)
        from ready
        where ready.queue = step.queue
            and ready.rank > step.rank
    )
    from step
    where step.rank is not null
)
select ready.id
from step
join ready
    on ready.queue = step.queue
    and ready.rank = step.rank
    and ready.id in (
        select newest.id
        from ready as newest
        where newest.queue = step.queue
            and newest.rank = step.rank
            and newest.id < :before
        order by newest.id desc
        limit :limit
    )
order by ready.id desc
limit :limit

-- step: finished
select finished.id
from json_each(:queues) as wanted
join finished
    on finished.id in (
        select newest.id
        from finished as newest
        where newest.queue = wanted.value
            and newest.state = :state
            and newest.id < :before
        order by newest.id desc
        limit :limit
    )
order by finished.id desc
limit :limit
