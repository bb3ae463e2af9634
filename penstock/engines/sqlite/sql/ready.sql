-- Queues worth a claim, by the priority of their first job; equals in random order, so that none starves.
select
    domain,
    type,
    (
        select -ready.rank
        from ready
        where ready.queue = queue.id
        order by ready.rank
        limit 1
    ) as priority
from queue
where ready > 0
    and paused = 0
    and type in (
        select value
        from json_each(:types)
    )
    and (
        :domains is null
        or domain in (
            select value
            from json_each(:domains)
        )
    )
order by priority desc, random()
limit :limit
