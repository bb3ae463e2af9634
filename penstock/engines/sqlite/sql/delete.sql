-- Take out jobs that have ended, whatever their end.
delete from finished
where id in (
    select value
    from json_each(:ids)
)
returning id, queue, state
