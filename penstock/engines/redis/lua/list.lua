-- The newest jobs of some queues and states, highest id first. It never looks at a job that is not given.
-- KEYS: as parts/keys.lua. ARGV: how many at most, the place below which they stand (an id without
-- the store's number), the state (empty for any), the names of the queues.
-- Returns what HGETALL gives each.
-- include: order

local limit, below, wanted_state = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local STATES = {'scheduled', 'ready', 'claimed', 'done', 'dead', 'cancelled', 'superseded'}

local found = {}
local function look_into(index)
  for _, start in ipairs(buckets(index, '+inf')) do
    local last = string.format('(%.0f', start + below)
    local ids = redis.call('ZREVRANGEBYSCORE', index, last, start, 'LIMIT', 0, limit)
    for _, id in ipairs(ids) do found[#found + 1] = id end
  end
end

for i = 4, #ARGV do
  for _, each in ipairs(wanted_state == '' and STATES or {wanted_state}) do
    look_into(JOBS .. each .. ':' .. ARGV[i])
  end
end
table.sort(found, function(one, other) return tonumber(one) > tonumber(other) end)

local jobs = {}
for i = 1, math.min(limit, #found) do
  jobs[i] = redis.call('HGETALL', JOB .. found[i])
end
return jobs
