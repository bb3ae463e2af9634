-- Claim the named jobs as far as they are waiting.
-- KEYS: as parts/keys.lua. ARGV: the uuid of the store, the worker, the ttl in microseconds, then each id.
-- Returns {until, job as HGETALL gives it} each; the others are left out.
-- include: same_store
-- include: even_full
-- include: take

local claims = {}
for i = 4, #ARGV do
  local job = read_whole(ARGV[i])
  if job and (job.state == 'scheduled' or job.state == 'ready') then
    claims[#claims + 1] = claim_one(job, tonumber(ARGV[3]), ARGV[2])
  end
end
return written(claims)
