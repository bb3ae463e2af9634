-- Where jobs stand within the index of their queue and state, and how one walks through it.
-- An index holds buckets, one for each priority, the highest first; within them the lowest id comes
-- first. Both fit into the 53 bits of a score. Only ready jobs are told apart by priority.
-- include: keys

local SPAN = 10000000000000 -- how many ids a store has

local function bucket_of(state, priority)
  return (state == 'ready' and 500 - priority or 0) * SPAN
end

local function score_of(state, priority, id)
  return bucket_of(state, priority) + math.fmod(id, SPAN)
end

local function priority_of(score)
  return 500 - (score - score % SPAN) / SPAN
end

-- The buckets of an index that hold a job, but none above the score `last`. Each costs one look.
local function buckets(index, last)
  local found, from = {}, '-inf'
  while true do
    local head = redis.call('ZRANGEBYSCORE', index, from, last, 'WITHSCORES', 'LIMIT', 0, 1)
    if #head == 0 then return found end
    local score = tonumber(head[2])
    found[#found + 1] = score - score % SPAN
    from = found[#found] + SPAN
  end
end
