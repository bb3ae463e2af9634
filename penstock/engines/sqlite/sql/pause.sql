-- Close queues for claims.
update queue
set paused = 1
where id in (
    select value
    from json_each(:queues)
)
