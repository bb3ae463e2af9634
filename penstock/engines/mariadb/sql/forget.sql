-- The worker is dead: expire what it holds.

-- step: presence
delete from presence
where worker = :worker

-- step: claims
select id
from claimed
where worker = :worker
order by id
for update

-- step: expire
update claimed
set until = least(until, @now)
where worker = :worker
    and id in (
-- each
:id
-- then
    )
