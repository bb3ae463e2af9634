-- Open the queues for claims.
update queue
set paused = false
where (domain, type) in (
-- each
(:domain, :type)
-- then
)
