-- How many ready jobs of its queue come before each of the ready jobs named, counted up to :most.

-- The plus takes the column's affinity away: with it, SQLite bounds the index by the rank alone, and reads on.

-- step: priority
select
    mine.id,
    (
        select count(*)
        from (
            select 1
            from ready as first
            where first.queue = mine.queue
                and (first.rank, first.id) < (mine.rank, +mine.id)
            limit :most
        )
    )
from json_each(:ids) as wanted
join job
    on job.id = wanted.value
join ready as mine
    on mine.queue = job.queue
    and mine.rank = -job.priority
    and mine.id = job.id

-- step: fifo
with recursive
named (id, queue) as materialized (
    select ready.id, ready.queue
    from json_each(:ids) as wanted
    join job
        on job.id = wanted.value
    join ready
        on ready.queue = job.queue
        and ready.rank = -job.priority
        and ready.id = job.id
),
step (queue, rank) as materialized (
    select distinct named.queue, (
        select min(ready.rank)
        from ready
        where ready.queue = named.queue
    )
    from named
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
select
    named.id,
    (
        select count(*)
        from (
            select 1
            from step
            cross join ready as first
                on first.queue = step.queue
                and first.rank = step.rank
                and first.id < named.id
            where step.queue = named.queue
            limit :most
        )
    )
from named

-- step: random
select
    mine.id,
    min(queue.ready - 1, :most)
from json_each(:ids) as wanted
join job
    on job.id = wanted.value
join ready as mine
    on mine.queue = job.queue
    and mine.rank = -job.priority
    and mine.id = job.id
join queue
    on queue.id = mine.queue
