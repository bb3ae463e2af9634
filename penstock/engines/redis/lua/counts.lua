-- How many jobs of the queues stand where.
-- KEYS: as parts/keys.lua. ARGV: the names of the queues.
-- Returns each name with its counts, in the order of COUNTED, then deleted and pushed.
-- include: keys

local COUNTED = {'scheduled', 'ready', 'claimed', 'done', 'dead', 'cancelled', 'superseded'}

local counts = {}
for i, queue in ipairs(ARGV) do
  local numbers = {}
  for j, state in ipairs(COUNTED) do
    numbers[j] = redis.call('ZCARD', JOBS .. state .. ':' .. queue)
  end
  for _, tally in ipairs(redis.call('HMGET', TALLY .. queue, 'deleted', 'pushed')) do
    numbers[#numbers + 1] = tonumber(tally or 0)
  end
  counts[i] = {queue, numbers}
end
return counts
