-- Ready the scheduled jobs that are due.
-- KEYS: as parts/keys.lua. ARGV: how many at most.
-- Returns how many, then the microseconds until the next, or nil.
-- include: even_full
-- include: job

local promoted = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
  local job = read(id)
  if job and job.state == 'scheduled' then
    line_up(job, now, {})
    promoted = promoted + 1
  else
    redis.call('ZREM', DUE, id) -- a foreign writer was here
  end
end
write()
local following = redis.call('ZRANGE', DUE, 0, 0, 'WITHSCORES')
return {promoted, following[2] and math.max(tonumber(following[2]) - now, 0) or false}
