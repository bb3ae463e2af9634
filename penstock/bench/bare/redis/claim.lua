-- The first jobs of each wanted queue are held.
-- KEYS: as the engine's parts/keys.lua. ARGV: the worker, then queue, limit and ttl in microseconds of each want.
-- Returns of each job its hash.
-- include: open_queues
-- include: clock

local worker, claims = ARGV[1], {}
for i = 2, #ARGV, 3 do
  local queue, limit, untill = ARGV[i], tonumber(ARGV[i + 1]), now + tonumber(ARGV[i + 2])
  local ready = JOBS .. 'ready:' .. queue
  local ids = redis.call('ZRANGE', ready, 0, limit - 1)
  if #ids > 0 then
    local held, claimed = {}, {}
    for _, id in ipairs(ids) do
      local key = JOB .. id
      local attempt, fence, priority = unpack(redis.call('HMGET', key, 'attempt', 'fence', 'priority'))
      redis.call('HSET', key, 'state', 'claimed', 'fence', (fence or 0) + 1, 'attempt', (attempt or 0) + 1,
        'worker', worker, 'claimed_at', now)
      claims[#claims + 1] = redis.call('HGETALL', key)
      held[#held + 1], held[#held + 2] = untill, id
      claimed[#claimed + 1], claimed[#claimed + 2] = score_of('claimed', tonumber(priority), id), id
    end
    redis.call('ZREM', ready, unpack(ids))
    redis.call('ZADD', HELD, unpack(held))
    redis.call('ZADD', JOBS .. 'claimed:' .. queue, unpack(claimed))
    settle(queue)
  end
end
return claims
