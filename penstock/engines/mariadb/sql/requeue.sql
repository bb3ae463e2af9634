-- Line dead jobs up again as if they had never been tried.

-- step: dead
delete from moving
where was <> 'dead'

-- step: ready
update moving
set state = 'ready',
    attempt = 0

-- step: gone
select id
from moving

-- step: unsay
delete result, follow_up, progress
from moving
straight_join job
    on job.id = moving.id
left join result
    on result.id = moving.id
left join follow_up
    on follow_up.parent = moving.id
left join progress
    on progress.id = moving.id
