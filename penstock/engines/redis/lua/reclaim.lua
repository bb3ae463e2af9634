-- Ready the jobs of expired claims, and hand over those that must not run again.
-- KEYS: as parts/keys.lua. ARGV: the uuid of the store, the worker, the ttl in microseconds, how many claims at most.
-- Returns how many were readied, then {until, job as HGETALL gives it} each.
-- include: same_store
-- include: even_full
-- include: take
-- include: give_back

local worker, ttl, limit = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local readied, last = 0, {}

local function may_run_again(job)
  return job.attempt < job.max_attempts and job.delivery == 'at_least_once' and not job.cancel_requested
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', HELD, '-inf', now, 'LIMIT', 0, limit)) do
  local job = read_whole(id)
  if not job or job.state ~= 'claimed' then
    redis.call('ZREM', HELD, id) -- a foreign writer was here
  elseif may_run_again(job) then
    give_back(job, 0, {'error', "lost: worker '" .. (job.worker or '') .. "' gave no sign of life"})
    readied = readied + 1
  else
    last[#last + 1] = take(job, ttl, worker, job.attempt)
  end
end
return written({readied, last})
