-- Queues with ready jobs, the highest priority first, equals in random order. Jumps from the head of one queue to that of
-- the next in the index: as many steps as queues have jobs, and never a hint that could be wrong.
with recursive head (queue) as (
    (
        select queue
        from ready force index (primary)
        order by queue
        limit 1
    )
    union all
    select (
        select ready.queue
        from ready force index (primary)
        where ready.queue > head.queue
        order by ready.queue
        limit 1
    )
    from head
    where head.queue is not null
)
select found.domain, found.type, found.priority
from (
    select queue.domain, queue.type, (
        select -ready.`rank`
        from ready force index (primary)
        where ready.queue = queue.id
        order by ready.`rank`
        limit 1
    ) as priority
    from head
    straight_join queue
        on queue.id = head.queue
    where not queue.paused
        and queue.type in :types
        and (:any_domain or queue.domain in :domains)
) as found
where found.priority is not null
order by found.priority desc, rand()
limit :most
