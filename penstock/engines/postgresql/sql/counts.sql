-- The counts of the named queues that were ever used, or of all that were.
select queue.domain, queue.type,
  sum(tally.pushed)::bigint as pushed,
  sum(tally.scheduled)::bigint as scheduled,
  sum(tally.ready)::bigint as ready,
  sum(tally.claimed)::bigint as claimed,
  sum(tally.done)::bigint as done,
  sum(tally.dead)::bigint as dead,
  sum(tally.cancelled)::bigint as cancelled,
  sum(tally.superseded)::bigint as superseded,
  sum(tally.deleted)::bigint as deleted
from tally
join queue on queue.id = tally.queue
where :domains::text[] is null
  or (queue.domain, queue.type) in (select * from unnest(:domains::text[], :types::text[]))
group by queue.id
