-- Delete what was kept long enough, and forget old presences. The server itself forgets old roots and keys.
-- KEYS: as parts/keys.lua. ARGV: how many at most.
-- Returns how many jobs.
-- include: even_full
-- include: job

local purged = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEPT, '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
  local job = read(id)
  if job and UNTIL[job.state] == KEPT then
    remove(job)
    purged = purged + 1
  else
    redis.call('ZREM', KEPT, id) -- a foreign writer was here
  end
end

for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
  redis.call('ZREM', WORKERS, worker)
  redis.call('HDEL', PRESENCES, worker)
end
return written(purged)
