-- Open the queues for claims.
-- KEYS: as parts/keys.lua. ARGV: the names of the queues.
-- Returns nothing.
-- include: keys

for _, queue in ipairs(ARGV) do redis.call('SREM', PAUSED, queue) end
