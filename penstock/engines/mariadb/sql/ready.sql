-- Queues with ready jobs, the highest priority first, equals in random order. The first row of each queue in the index is
-- enough: as many steps as queues have jobs, and never a hint that could be wrong.
select queue.domain, queue.type, head.priority
from (
    select queue, -min(`rank`) as priority
    from ready force index (primary)
    group by queue
) as head
straight_join queue
    on queue.id = head.queue
where not queue.paused
    and queue.type in :types
    and (:any_domain or queue.domain in :domains)
order by head.priority desc, rand()
limit :most
