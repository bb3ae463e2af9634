-- The counts of the queues that were ever used.

-- step: all
select
    queue.domain,
    queue.type,
    cast(sum(tally.scheduled) as signed),
    cast(sum(tally.ready) as signed),
    cast(sum(tally.claimed) as signed),
    cast(sum(tally.done) as signed),
    cast(sum(tally.dead) as signed),
    cast(sum(tally.cancelled) as signed),
    cast(sum(tally.superseded) as signed),
    cast(sum(tally.deleted) as signed),
    cast(sum(tally.pushed) as signed)
from tally
join queue
    on queue.id = tally.queue
group by tally.queue

-- step: named
select
    queue.domain,
    queue.type,
    cast(sum(tally.scheduled) as signed),
    cast(sum(tally.ready) as signed),
    cast(sum(tally.claimed) as signed),
    cast(sum(tally.done) as signed),
    cast(sum(tally.dead) as signed),
    cast(sum(tally.cancelled) as signed),
    cast(sum(tally.superseded) as signed),
    cast(sum(tally.deleted) as signed),
    cast(sum(tally.pushed) as signed)
from queue
straight_join tally
    on tally.queue = queue.id
where (queue.domain, queue.type) in (
-- each
(:domain, :type)
-- then
)
group by queue.id
