-- How long the first ready job of the queues has been ready.
-- KEYS: as parts/keys.lua. ARGV: the names of the queues.
-- Returns microseconds each, nil where none is ready.
-- include: job

local waits = {}
for i, queue in ipairs(ARGV) do
  local index, lowest = JOBS .. 'ready:' .. queue, nil
  for _, start in ipairs(buckets(index, '+inf')) do
    local id = redis.call('ZRANGEBYSCORE', index, start, '+inf', 'LIMIT', 0, 1)[1]
    if not lowest or tonumber(id) < tonumber(lowest) then lowest = id end
  end
  local times = lowest and redis.call('HMGET', JOB .. lowest, 'ready_since', 'pushed_at') or {}
  local since = times[1] or times[2]
  waits[i] = since and now - tonumber(since) or false
end
return waits
