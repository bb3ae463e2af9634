-- Close the queues for claims.
-- KEYS: as parts/keys.lua. ARGV: the names of the queues.
-- Returns nothing.
-- include: even_full

for _, queue in ipairs(ARGV) do redis.call('SADD', PAUSED, queue) end
