-- The claims have ended done, each with a result.
-- KEYS: as the engine's parts/keys.lua. ARGV: for how many microseconds they are kept, then id and fence of each.
-- Returns nothing.
-- include: order
-- include: clock

local keep = now + tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  local id, key = ARGV[i], JOB .. ARGV[i]
  local state, fence, queue, priority = unpack(redis.call('HMGET', key, 'state', 'fence', 'queue', 'priority'))
  if state == 'claimed' and fence == ARGV[i + 1] then
    redis.call('HSET', key, 'state', 'done', 'finished_at', now, 'result', 'true')
    redis.call('ZREM', HELD, id)
    redis.call('ZREM', JOBS .. 'claimed:' .. queue, id)
    redis.call('ZADD', KEPT, keep, id)
    redis.call('ZADD', JOBS .. 'done:' .. queue, score_of('done', tonumber(priority), id), id)
  end
end
