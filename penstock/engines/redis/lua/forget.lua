-- End the presence of a worker and expire what it holds. It looks at every claim there is.
-- KEYS: as parts/keys.lua. ARGV: the worker.
-- Returns how many claims it held.
-- include: even_full
-- include: clock

redis.call('ZREM', WORKERS, ARGV[1])
redis.call('HDEL', PRESENCES, ARGV[1])

local held = 0
for _, id in ipairs(redis.call('ZRANGE', HELD, 0, -1)) do
  if redis.call('HGET', JOB .. id, 'worker') == ARGV[1] then
    redis.call('ZADD', HELD, now, id)
    held = held + 1
  end
end
return held
