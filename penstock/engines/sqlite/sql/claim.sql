-- Find the next ready jobs of a queue that is not paused, and hold them. Nothing but what is wanted is read.

-- step: priority
select ready.id, ready.rank, ready.attempt, ready.fence
from ready
where ready.queue = (
        select id
        from queue
        where id = :queue
            and paused = 0
    )
    and ready.rank <= -:floor
order by ready.rank, ready.id
limit :limit

-- By id over all ranks: the first of each rank, and of these the first.
-- step: fifo
with recursive
step (queue, rank) as (
    select queue.id, (
        select min(ready.rank)
        from ready
        where ready.queue = queue.id
    )
    from queue
    where queue.id = :queue
        and queue.paused = 0
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
select ready.id, ready.rank, ready.attempt, ready.fence
from step
join ready
    on ready.queue = step.queue
    and ready.rank = step.rank
    and ready.id in (
        select first.id
        from ready as first
        where first.queue = step.queue
            and first.rank = step.rank
        order by first.id
        limit :limit
    )
where step.rank <= -:floor
order by ready.id
limit :limit

-- Of each rank the jobs from a random point on, and from its start where these are too few.
-- step: random
with recursive
step (queue, rank) as (
    select queue.id, (
        select min(ready.rank)
        from ready
        where ready.queue = queue.id
    )
    from queue
    where queue.id = :queue
        and queue.paused = 0
    union all
    select step.queue, (
        select min(ready.rank)
        from ready
        where ready.queue = step.queue
            and ready.rank > step.rank
    )
    from step
    where step.rank is not null
),
span (queue, rank, least, most) as materialized (
    select step.queue, step.rank, (
        select min(ready.id)
        from ready
        where ready.queue = step.queue
            and ready.rank = step.rank
    ), (
        select max(ready.id)
        from ready
        where ready.queue = step.queue
            and ready.rank = step.rank
    )
    from step
    where step.rank <= -:floor
),
point (queue, rank, id) as materialized (
    select queue, rank, least + abs(random() % (most - least + 1))
    from span
)
select ready.id, ready.rank, ready.attempt, ready.fence
from point
join ready
    on ready.queue = point.queue
    and ready.rank = point.rank
    and ready.id in (
        select later.id
        from (
            select beyond.id
            from ready as beyond
            where beyond.queue = point.queue
                and beyond.rank = point.rank
                and beyond.id >= point.id
            order by beyond.id
            limit :limit
        ) as later
        union all
        select sooner.id
        from (
            select short.id
            from ready as short
            where short.queue = point.queue
                and short.rank = point.rank
                and short.id < point.id
            order by short.id
            limit :limit
        ) as sooner
    )
order by ready.id < point.id, random()
limit :limit

-- step: superseded
select job.id
from json_each(:ids) as wanted
join job
    on job.id = wanted.value
join root
    on root.queue = job.queue
    and root.signature = job.root_signature
where root.timestamp > job.root_timestamp
    and root.until > :now

-- step: take
delete from ready
where (queue, rank, id) in (
    select :queue, value ->> 1, value ->> 0
    from json_each(:picked)
)

-- step: hold
insert into claimed (id, queue, attempt, fence, worker, claimed_at, until)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, :worker, :now, :until
from json_each(:claims)
