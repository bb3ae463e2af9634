-- Open queues for claims.
update queue
set paused = 0
where id in (
    select value
    from json_each(:queues)
)
