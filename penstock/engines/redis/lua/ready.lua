-- The queues worth a claim, highest priority first, in random order among equals. Without domains it looks at as many
-- as it gives, and at some that are not what they seemed, but not at all there are.
-- KEYS: as parts/keys.lua. ARGV: how many at most, how many types, the types, the domains (none: all),
-- each as it stands in the name of a queue.
-- Returns {name of the queue, priority} each.
-- include: even_full
-- include: open_queues
-- include: chance

local limit, types = tonumber(ARGV[1]), tonumber(ARGV[2])
local patience = 1000 -- with queues that were not what they seemed
local found = {}

local function look_at(queue)
  local priority = settle(queue)
  if priority then found[#found + 1] = {queue, priority, math.random()} end
  return priority
end

-- The places [from, to) of this index, until `wanted` queues are found whose priority is `seeming`. The others leave
-- their places, which those behind them take. Answers how many were found.
local function look_through(open, from, to, wanted, seeming)
  local before = wanted
  while from < to and wanted > 0 and patience > 0 do
    for _, queue in ipairs(redis.call('ZREVRANGE', open, from, math.min(from + wanted, to) - 1)) do
      if redis.call('SISMEMBER', PAUSED, queue) == 0 and head_of(queue) == seeming then
        found[#found + 1] = {queue, seeming, math.random()}
        from, wanted = from + 1, wanted - 1
      else
        settle(queue)
        to, patience = to - 1, patience - 1
      end
    end
  end
  return before - wanted
end

-- Band by band of equal priority, each from a random place on and round to it again.
local function look_from_the_top(open)
  local below, wanted = '+inf', limit
  while wanted > 0 and patience > 0 do
    local first = redis.call('ZREVRANGEBYSCORE', open, below, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if not first[2] then return end
    local start = redis.call('ZCOUNT', open, '(' .. first[2], '+inf')
    local size = redis.call('ZCOUNT', open, first[2], first[2])
    local middle = start + math.random(0, size - 1)
    local priority = tonumber(first[2])
    wanted = wanted - look_through(open, middle, start + size, wanted, priority)
    wanted = wanted - look_through(open, start, middle, wanted, priority)
    below = '(' .. first[2]
  end
end

for i = 3, types + 2 do
  if #ARGV == types + 2 then look_from_the_top(OPEN .. ARGV[i]) end
  for j = types + 3, #ARGV do look_at(ARGV[j] .. '/' .. ARGV[i]) end
end
table.sort(found, function(one, other)
  return one[2] > other[2] or one[2] == other[2] and one[3] > other[3]
end)

local answer = {}
for i = 1, math.min(limit, #found) do answer[i] = {found[i][1], found[i][2]} end
return answer
