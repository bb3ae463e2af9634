-- Remember the newest timestamp of each family; the values are rows of queue, signature, timestamp.
insert into root (queue, signature, timestamp, until)
select value ->> 0, value ->> 1, value ->> 2, :until
from json_each(:roots)
where true
on conflict (signature, queue) do update
set timestamp = excluded.timestamp,
    until = excluded.until
where excluded.timestamp > root.timestamp
    or root.until <= :now
