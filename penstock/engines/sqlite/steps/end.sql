-- The last steps of every job, however it ends.

-- step: keep
insert into finished (
    id, queue, state, attempt, fence, worker, claimed_at, finished_at, keep_until,
    cancel_requested, progress, follow_ups, error, result
)
select
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, :now,
    value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
from json_each(:ends)

-- step: drop
delete from job
where id in (
    select value
    from json_each(:ids)
)
