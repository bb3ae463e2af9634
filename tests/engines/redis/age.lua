-- Make every stored time older, as if so much time had passed; only for tests.
-- KEYS: as parts/keys.lua. ARGV: the duration in microseconds.
-- Returns nothing.
-- include: keys

local duration = tonumber(ARGV[1])
local TIMES = {'pushed_at', 'ready_since', 'run_at', 'claimed_at', 'finished_at'}

local function each(family, change)
  for _, key in ipairs(redis.call('KEYS', family .. '*')) do change(key) end
end

for _, index in ipairs({DUE, HELD, KEPT, WORKERS}) do
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    redis.call('ZINCRBY', index, -duration, member)
  end
end

each(JOB, function(job)
  for i, time in ipairs(redis.call('HMGET', job, unpack(TIMES))) do
    if time then redis.call('HSET', job, TIMES[i], tonumber(time) - duration) end
  end
end)

local function expire(key)
  local lives = redis.call('PTTL', key)
  if lives < 0 then return end -- for ever, and so it stays
  local left = lives - math.floor(duration / 1000)
  if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
end
each(ROOT, expire)
each(IDEMPOTENCY, function(record)
  redis.call('HSET', record, 'at', string.format('%.0f', tonumber(redis.call('HGET', record, 'at')) - duration))
  expire(record)
end)
