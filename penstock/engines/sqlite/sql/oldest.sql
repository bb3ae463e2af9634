-- How long the ready job with the lowest id has been ready, by queue: the first of each rank, and of these the first.
with recursive
clock as materialized (
    select max(last_now, :host_now) as now
    from store
),
step (queue, rank) as (
    select queue.id, (
        select min(ready.rank)
        from ready
        where ready.queue = queue.id
    )
    from json_each(:queues) as wanted
    join queue
        on queue.domain = wanted.value ->> 0
        and queue.type = wanted.value ->> 1
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
head (queue, rank, id) as materialized (
    select step.queue, step.rank, (
        select min(ready.id)
        from ready
        where ready.queue = step.queue
            and ready.rank = step.rank
    )
    from step
    where step.rank is not null
),
oldest (queue, rank, id) as (
    select queue, rank, min(id)
    from head
    group by queue
)
select queue.domain, queue.type, clock.now - ready.ready_at
from oldest
join ready
    on ready.queue = oldest.queue
    and ready.rank = oldest.rank
    and ready.id = oldest.id
join queue
    on queue.id = oldest.queue
cross join clock
