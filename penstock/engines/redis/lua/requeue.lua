-- Ready the dead jobs.
-- KEYS: as parts/keys.lua. ARGV: each id.
-- Returns 1 or 0 each: whether the job was dead.
-- include: even_full
-- include: give_back

local answers = {}
for i, id in ipairs(ARGV) do
  local job = read(id)
  local dead = job and job.state == 'dead'
  if dead then
    redis.call('HDEL', JOB .. id, 'cancel_requested', 'finished_at', 'result', 'follow_ups')
    give_back(job, 0, {'attempt', 0})
  end
  answers[i] = dead and 1 or 0
end
return written(answers)
