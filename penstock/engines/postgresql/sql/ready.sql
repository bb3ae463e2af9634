-- Queues with ready jobs, that with the highest priority first, equals in random order.
-- Jumps from the head of one queue to the head of the next in the index of ready jobs: as many steps as queues have jobs,
-- and never a hint that could be wrong. Jobs of ids below `since` are left out.
with recursive head as (
  (
    select queue, priority
    from waiting
    where run_at is null and id >= :since::bigint
    order by queue, priority desc, id
    limit 1
  )
  union all
  select next.queue, next.priority
  from head
  cross join lateral (
    select waiting.queue, waiting.priority
    from waiting
    where waiting.run_at is null and waiting.queue > head.queue and waiting.id >= :since::bigint
    order by waiting.queue, waiting.priority desc, waiting.id
    limit 1
  ) as next
)
select queue.domain, queue.type, head.priority
from head
cross join lateral (select * from queue where queue.id = head.queue limit 1) as queue
where not queue.paused
  and queue.type = any (:types::text[])
  and (:domains::text[] is null or queue.domain = any (:domains::text[]))
order by head.priority desc, random()
limit :limit::integer
