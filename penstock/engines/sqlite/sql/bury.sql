-- Take dead jobs from their holders. No row: the claim was lost.
delete from claimed
where (id, fence) in (
    select value ->> 0, value ->> 1
    from json_each(:refs)
)
returning id, queue, attempt, fence, worker, claimed_at, cancel_requested, progress
