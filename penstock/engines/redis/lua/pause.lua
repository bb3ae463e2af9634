-- Close the queues for claims.
-- KEYS: as parts/keys.lua. ARGV: the names of the queues.
-- Returns nothing.
-- include: even_full
-- include: open_queues

for _, queue in ipairs(ARGV) do
  redis.call('SADD', PAUSED, queue)
  settle(queue)
end
