-- Claim the named jobs as far as they are waiting.
-- KEYS: as parts/keys.lua. ARGV: the worker, the ttl in microseconds, then each id.
-- Returns {until, job as HGETALL gives it} each; the others are left out.
-- include: take

local claims = {}
for i = 3, #ARGV do
  local job = read(ARGV[i])
  if job and (job.state == 'scheduled' or job.state == 'ready') then
    claims[#claims + 1] = claim_one(job, tonumber(ARGV[2]), ARGV[1])
  end
end
return claims
