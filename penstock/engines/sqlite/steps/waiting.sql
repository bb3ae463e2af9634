-- How jobs enter and leave ready and scheduled. Entries are [id, queue, run_at, attempt, fence].

-- step: enter_ready
insert into ready (queue, rank, id, ready_at, attempt, fence)
select job.queue, -job.priority, job.id, :now, entry.value ->> 3, entry.value ->> 4
from json_each(:entries) as entry
join job
    on job.id = entry.value ->> 0

-- step: enter_scheduled
insert into scheduled (queue, id, run_at, attempt, fence)
select entry.value ->> 1, entry.value ->> 0, entry.value ->> 2, entry.value ->> 3, entry.value ->> 4
from json_each(:entries) as entry

-- step: leave_ready
delete from ready
where (queue, rank, id) in (
    select job.queue, -job.priority, job.id
    from json_each(:ids) as wanted
    join job
        on job.id = wanted.value
)
returning id, queue, attempt, fence

-- step: leave_scheduled
delete from scheduled
where (queue, id) in (
    select job.queue, job.id
    from json_each(:ids) as wanted
    join job
        on job.id = wanted.value
)
returning id, queue, attempt, fence

-- A job that was claimed before may share its key with a younger twin, whose entry this is.
-- step: leave_key
delete from dedupe
where key in (
    select job.dedupe_key
    from json_each(:ids) as wanted
    join job
        on job.id = wanted.value
)
    and id in (
        select value
        from json_each(:ids)
    )

-- step: set_error
insert into last_error (id, error)
select value ->> 0, value ->> 1
from json_each(:errors)
where true
on conflict (id) do update
set error = excluded.error

-- step: take_error
delete from last_error
where id in (
    select value
    from json_each(:ids)
)
returning id, error
