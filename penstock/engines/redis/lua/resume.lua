-- Open the queues for claims.
-- KEYS: as parts/keys.lua. ARGV: the names of the queues.
-- Returns nothing.
-- include: even_full
-- include: open_queues
-- include: tell

for _, queue in ipairs(ARGV) do
  if redis.call('SREM', PAUSED, queue) == 1 and settle(queue) then tell() end
end
