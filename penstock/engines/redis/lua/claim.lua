-- Claim what is ready, and end what is superseded on the way.
-- KEYS: as parts/keys.lua. ARGV: the uuid of the store, the worker, how many jobs may be found
-- superseded, then each want as arguments.WantRow packs it.
-- Returns how many were superseded, then {until, job as HGETALL gives it} each.
-- include: same_store
-- include: even_full
-- include: take
-- include: claim_order

local worker, patience = ARGV[2], tonumber(ARGV[3])
local superseded, claims = 0, {}

-- Nothing here registers a root, so that one look at each is enough.
local newest = {}
local function newest_root(job)
  local key = ROOT .. job.queue .. '/' .. job.root_signature
  if newest[key] == nil then newest[key] = tonumber(redis.call('GET', key) or '-inf') end
  return newest[key]
end

local function is_superseded(job)
  return job.root_signature and job.fence == 0 and job.root_timestamp < newest_root(job)
end

-- Answers how many of these jobs were claimed, and whether there may be more to look at.
local function claim_these(ids, want)
  local claimed = 0
  for _, id in ipairs(ids) do
    local job = read_whole(id)
    if not job or job.state ~= 'ready' then
      redis.call('ZREM', JOBS .. 'ready:' .. want.queue, id) -- a foreign writer was here
    elseif not is_superseded(job) then
      claims[#claims + 1] = claim_one(job, want.ttl, worker)
      claimed = claimed + 1
    elseif superseded < patience then
      finish(job, 'superseded', want.keep, {})
      superseded = superseded + 1
    else
      return claimed, false
    end
  end
  return claimed, #ids > 0
end

for i = 4, #ARGV do
  local want = cmsgpack.unpack(ARGV[i])
  local wanted = want.limit
  local more = redis.call('SISMEMBER', PAUSED, want.queue) == 0
  while more and wanted > 0 do
    local claimed
    claimed, more = claim_these(next_ready(want, wanted), want)
    wanted = wanted - claimed
    write()
  end
  settle(want.queue)
end
return {superseded, claims}
