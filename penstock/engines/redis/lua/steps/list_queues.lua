-- Some of the queues ever used.
-- KEYS: as parts/keys.lua. ARGV: the cursor, 0 to begin with; about how many.
-- Returns the next cursor, 0 at the end, then the names; one may come twice.
-- include: keys

return redis.call('SSCAN', QUEUES, ARGV[1], 'COUNT', ARGV[2])
