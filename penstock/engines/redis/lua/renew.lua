-- Prolong the claims that are held.
-- KEYS: as parts/keys.lua. ARGV: each renewal, as arguments.RenewRow packs it.
-- Returns 'held', 'lost' or 'cancel asked' each.
-- include: even_full
-- include: job

local answers = {}
for i, packed in ipairs(ARGV) do
  local renewal = cmsgpack.unpack(packed)
  local job = read_held(renewal)
  if job and renewal.ttl ~= nil then redis.call('ZADD', HELD, now + renewal.ttl, job.id) end
  if job and renewal.percent ~= nil then
    redis.call('HSET', JOB .. job.id,
      'progress_percent', renewal.percent, 'progress_message', renewal.message)
  end
  answers[i] = not job and 'lost' or job.cancel_requested and 'cancel asked' or 'held'
end
return answers
