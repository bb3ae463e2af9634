-- The newest jobs of some queues and states, highest id first. It looks at the index of every
-- queue and state that matches, never at a job that is not given.
-- KEYS: as parts/keys.lua. ARGV: how many at most, the place below which they stand (an id without
-- the store's number), domain and type as they stand in the name of a queue, state; each empty for any.
-- Returns what HGETALL gives each.
-- include: order

local limit, below = tonumber(ARGV[1]), tonumber(ARGV[2]) or SPAN
local wanted_domain, wanted_type, wanted_state = ARGV[3], ARGV[4], ARGV[5]
local STATES = {'scheduled', 'ready', 'claimed', 'done', 'dead', 'cancelled', 'superseded'}

local found = {}
local function look_into(index)
  for _, start in ipairs(buckets(index, '+inf')) do
    local last = string.format('(%.0f', start + below)
    local ids = redis.call('ZREVRANGEBYSCORE', index, last, start, 'LIMIT', 0, limit)
    for _, id in ipairs(ids) do found[#found + 1] = id end
  end
end

local function matches(queue)
  local domain, type_ = queue:match('^(.*)/(.*)$')
  return (wanted_domain == '' or wanted_domain == domain) and (wanted_type == '' or wanted_type == type_)
end

for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do
  if matches(queue) then
    for _, each in ipairs(wanted_state == '' and STATES or {wanted_state}) do
      look_into(JOBS .. each .. ':' .. queue)
    end
  end
end
table.sort(found, function(one, other) return tonumber(one) > tonumber(other) end)

local jobs = {}
for i = 1, math.min(limit, #found) do
  jobs[i] = redis.call('HGETALL', JOB .. found[i])
end
return jobs
