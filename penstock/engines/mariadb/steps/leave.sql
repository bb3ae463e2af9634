-- The jobs in `moving` are no longer where they were. Each is looked up by its whole key.

-- step: ready
delete ready
from moving
straight_join ready
    on ready.queue = moving.queue
    and ready.`rank` = -moving.priority
    and ready.id = moving.id
where moving.was = 'ready'

-- step: scheduled
delete scheduled
from moving
straight_join scheduled
    on scheduled.id = moving.id
where moving.was = 'scheduled'

-- step: claimed
delete claimed
from moving
straight_join claimed
    on claimed.id = moving.id
where moving.was = 'claimed'
    and moving.state <> 'claimed'

-- step: finished
delete finished
from moving
straight_join finished
    on finished.id = moving.id
where moving.was not in ('ready', 'scheduled', 'claimed')

-- step: twin
delete twin
from moving
straight_join twin
    on twin.id = moving.id
where moving.keyed

-- step: progress
delete progress
from moving
straight_join progress
    on progress.id = moving.id

-- Nothing of the jobs that nobody keeps.
-- step: store
delete job, progress, last_error, result, follow_up
from moving
straight_join job
    on job.id = moving.id
left join progress
    on progress.id = moving.id
left join last_error
    on last_error.id = moving.id
left join result
    on result.id = moving.id
left join follow_up
    on follow_up.parent = moving.id
where moving.state = 'deleted'
