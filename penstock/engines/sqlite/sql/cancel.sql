-- Take jobs from holders who stopped on request, or ask the holders to stop. No row: nobody holds it so.

-- step: take
delete from claimed
where (id, fence) in (
    select value ->> 0, value ->> 1
    from json_each(:refs)
)
returning id, queue, attempt, fence, worker, claimed_at, cancel_requested, progress

-- step: ask
update claimed
set cancel_requested = 1
where id in (
    select value
    from json_each(:ids)
)
returning id
