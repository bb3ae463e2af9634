-- Expire what a dead worker holds.

-- step: presence
delete from presence
where worker = :worker

-- step: claims
update claimed
set until = min(until, :now)
where worker = :worker
returning id
