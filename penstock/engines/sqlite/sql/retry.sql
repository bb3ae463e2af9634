-- Take failed jobs from their holders, unless somebody asked to cancel them.

-- step: take
delete from claimed
where (id, fence) in (
    select value ->> 0, value ->> 1
    from json_each(:refs)
)
    and cancel_requested = 0
returning id, queue, attempt, fence

-- step: asked
select id
from claimed
where (id, fence) in (
    select value ->> 0, value ->> 1
    from json_each(:refs)
)
    and cancel_requested = 1
