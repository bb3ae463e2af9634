-- How long the first ready job of each named queue has been ready.
select found.domain, found.type, timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) - found.ready_at
from (
    select queue.domain, queue.type, (
        select ready.ready_at
        from ready force index (by_id)
        where ready.queue = queue.id
        order by ready.id
        limit 1
    ) as ready_at
    from queue
    where (queue.domain, queue.type) in (
-- each
(:domain, :type)
-- then
    )
) as found
where found.ready_at is not null
