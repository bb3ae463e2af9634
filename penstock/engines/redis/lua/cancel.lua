-- End the jobs cancelled and push their follow-ups, or ask whoever holds them.
-- KEYS: as parts/keys.lua. ARGV: each end, as arguments.EndRow packs it; without a fence it is no holder's.
-- Returns 'cancelled', 'asked' or 'refused' each.
-- include: even_full
-- include: end_one

local CANCELLABLE = {scheduled = true, ready = true, claimed = true}

local function cancel_one(ending)
  local job = read(ending.id)
  if ending.fence ~= nil then job = read_held(ending) end
  if not job or not CANCELLABLE[job.state] then return 'refused' end
  if job.state == 'claimed' and ending.fence == nil then
    redis.call('HSET', JOB .. job.id, 'cancel_requested', 1)
    return 'asked'
  end
  if ending.error == nil then redis.call('HDEL', JOB .. job.id, 'error') end
  end_one(job, 'cancelled', ending)
  return 'cancelled'
end

local answers = {}
for i, packed in ipairs(ARGV) do
  answers[i] = cancel_one(cmsgpack.unpack(packed))
end
return written(answers)
