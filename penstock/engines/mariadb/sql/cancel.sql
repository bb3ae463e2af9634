-- End the jobs cancelled, or ask their holders to stop.

-- Jobs that are nowhere and not ended: on their way from one state to another. Whoever asked asks again.
-- step: adrift
select named.id
from named
join job
    on job.id = named.id
left join moving
    on moving.id = named.id
left join finished
    on finished.id = named.id
where moving.id is null
    and finished.id is null

-- step: ask
update claimed
set cancel_requested = true
where id in (
-- each
:id
-- then
)

-- step: unsay
delete last_error
from moving
straight_join last_error
    on last_error.id = moving.id
