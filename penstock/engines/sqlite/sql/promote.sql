-- Take out what is due, the earliest first; say when the next is.

-- step: take
delete from scheduled
where (queue, id) in (
    select queue, id
    from scheduled
    where run_at <= :now
    order by run_at, id
    limit :limit
)
returning id, queue, attempt, fence

-- step: next
select min(run_at)
from scheduled
