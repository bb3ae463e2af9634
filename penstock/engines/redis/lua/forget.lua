-- End the presence of a worker and expire what it holds, of some of the claims there are.
-- KEYS: as parts/keys.lua. ARGV: the worker, the cursor, 0 to begin with, about how many claims are looked at.
-- Returns the next cursor, 0 at the end, then the ids of the claims it held; one may come twice.
-- include: even_full
-- include: clock

redis.call('ZREM', WORKERS, ARGV[1])
redis.call('HDEL', PRESENCES, ARGV[1])

local held = {}
local some = redis.call('ZSCAN', HELD, ARGV[2], 'COUNT', ARGV[3])
for i = 1, #some[2], 2 do
  local id = some[2][i]
  if redis.call('HGET', JOB .. id, 'worker') == ARGV[1] then
    redis.call('ZADD', HELD, now, id)
    held[#held + 1] = id
  end
end
return {some[1], held}
