-- Close the queues for claims, also those that nobody used yet.
insert into queue (domain, type, paused)
values
-- each
(:domain, :type, true)
-- then
on duplicate key update paused = true
