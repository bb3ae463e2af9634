-- Prolong the claims that are held, and keep their progress.

-- step: hold
select straight_join named.place, claimed.cancel_requested
from named
join claimed
    on claimed.id = named.id
    and claimed.fence = named.fence
order by named.id
for update

-- step: until
update named
straight_join claimed
    on claimed.id = named.id
    and claimed.fence = named.fence
set claimed.until = @now + named.span
where named.span is not null

-- step: progress
insert into progress (id, percent, message)
with said (place, percent, message) as (
    values
-- each
    (:place, :percent, :message)
-- then
)
select straight_join named.id, said.percent, said.message
from said
join named
    on named.place = said.place
join claimed
    on claimed.id = named.id
    and claimed.fence = named.fence
on duplicate key update
    percent = values(percent),
    message = values(message)
