-- Tell whoever listens that a job may be ready. What is told leaves the server with the answer of the script.
-- include: keys
-- include: clock

local SILENCE = 10000 -- microseconds after it told something in which the store only counts

local is_told = false
local function tell()
  if is_told then return end
  is_told = true
  local count = redis.call('HINCRBY', STORE, 'wakes', 1)
  local told_at = tonumber(redis.call('HGET', STORE, 'told_at') or 0)
  if math.abs(now - told_at) < SILENCE then return end
  redis.call('HSET', STORE, 'told_at', now)
  redis.pcall('PUBLISH', WAKE, count) -- not everybody may; whoever waits looks at the count, too
end
