-- Prolong claims and keep their progress. No row: the claim was lost.
update claimed
set until = coalesce(sign.until, claimed.until),
    progress = coalesce(sign.progress, claimed.progress)
from (
    select
        value ->> 0 as id,
        value ->> 1 as fence,
        value ->> 2 as until,
        value ->> 3 as progress
    from json_each(:signs)
) as sign
where claimed.id = sign.id
    and claimed.fence = sign.fence
returning claimed.id, claimed.cancel_requested
