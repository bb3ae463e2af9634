-- The counts as they are kept with every move.

-- step: all
select
    domain, type,
    scheduled, ready, claimed, done, dead, cancelled, superseded, deleted, pushed
from queue
where pushed > 0

-- step: some
select
    queue.domain, queue.type,
    scheduled, ready, claimed, done, dead, cancelled, superseded, deleted, pushed
from json_each(:queues) as wanted
join queue
    on queue.domain = wanted.value ->> 0
    and queue.type = wanted.value ->> 1
