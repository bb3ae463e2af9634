-- The runners whose time has not run out.
-- KEYS: as parts/keys.lua. ARGV: none.
-- Returns the presences, as they were announced.
-- include: keys
-- include: clock

local presences = {}
for i, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, string.format('(%.0f', now), '+inf')) do
  presences[i] = redis.call('HGET', PRESENCES, worker)
end
return presences
