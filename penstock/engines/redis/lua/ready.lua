-- The queues worth a claim, highest priority first, in random order among equals. It looks at the
-- head of every queue in question, and forgets those that have nothing ready any more.
-- KEYS: as parts/keys.lua. ARGV: how many at most, how many types, the types, the domains (none: all),
-- each as it stands in the name of a queue.
-- Returns {name of the queue, priority} each.
-- include: order
-- include: chance

local limit, types = tonumber(ARGV[1]), tonumber(ARGV[2])

local function queues_of(type_)
  if #ARGV == types + 2 then return redis.call('SMEMBERS', OPEN .. type_) end
  local queues = {}
  for i = types + 3, #ARGV do queues[#queues + 1] = ARGV[i] .. '/' .. type_ end
  return queues
end

local found = {}
local function look_at(queue, type_)
  local head = redis.call('ZRANGE', JOBS .. 'ready:' .. queue, 0, 0, 'WITHSCORES')
  if not head[2] then
    redis.call('SREM', OPEN .. type_, queue)
  elseif redis.call('SISMEMBER', PAUSED, queue) == 0 then
    found[#found + 1] = {queue, priority_of(tonumber(head[2])), math.random()}
  end
end

for i = 3, types + 2 do
  for _, queue in ipairs(queues_of(ARGV[i])) do look_at(queue, ARGV[i]) end
end
table.sort(found, function(one, other)
  return one[2] > other[2] or one[2] == other[2] and one[3] > other[3]
end)

local answer = {}
for i = 1, math.min(limit, #found) do answer[i] = {found[i][1], found[i][2]} end
return answer
