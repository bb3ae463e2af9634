-- How many ready jobs of its queue come before each job, in the order in which they are claimed.
-- KEYS: as parts/keys.lua. ARGV: the order, how many are counted at most, each id.
-- Returns a number each, nil where the job is not ready.
-- include: job

local order, most = ARGV[1], tonumber(ARGV[2])

-- The index stands in this order.
local function by_priority(index, job)
  return redis.call('ZRANK', index, job.id)
end

-- Nothing here moves a job, so that one look at each queue is enough.
local starts = {}
local function by_id(index, job)
  starts[index] = starts[index] or buckets(index, '+inf')
  local before, sequence = 0, math.fmod(tonumber(job.id), SPAN)
  for _, start in ipairs(starts[index]) do
    if before >= most then return before end
    local until_it = string.format('(%.0f', start + sequence)
    before = before + redis.call('ZCOUNT', index, start, until_it)
  end
  return before
end

local function by_chance(index)
  return redis.call('ZCARD', index) - 1
end

local COUNTS = {priority = by_priority, fifo = by_id, random = by_chance}

local function ahead(id)
  local job = read(id)
  if not job or job.state ~= 'ready' then return false end
  return math.min(COUNTS[order](JOBS .. 'ready:' .. job.queue, job), most)
end

local answers = {}
for i = 3, #ARGV do answers[i - 2] = ahead(ARGV[i]) end
return answers
