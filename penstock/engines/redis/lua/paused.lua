-- The queues closed for claims.
-- KEYS: as parts/keys.lua. ARGV: none.
-- Returns their names.
-- include: keys

return redis.call('SMEMBERS', PAUSED)
