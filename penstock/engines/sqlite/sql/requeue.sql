-- Take dead jobs out of the finished ones.
delete from finished
where id in (
    select value
    from json_each(:ids)
)
    and state = 'dead'
returning id, queue, fence, error
