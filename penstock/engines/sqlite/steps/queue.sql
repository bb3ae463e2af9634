-- The numbers under which queues are known inside the store.

-- step: add
insert into queue (domain, type)
select value ->> 0, value ->> 1
from json_each(:queues)
where true
on conflict do nothing

-- step: find
select queue.domain, queue.type, queue.id
from json_each(:queues) as wanted
join queue
    on queue.domain = wanted.value ->> 0
    and queue.type = wanted.value ->> 1
