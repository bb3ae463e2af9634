-- Remove the jobs that nobody holds.
-- KEYS: as parts/keys.lua. ARGV: each id.
-- Returns 1 or 0 each: whether the job is gone now and was there before.
-- include: even_full
-- include: job

local answers = {}
for i, id in ipairs(ARGV) do
  local job = read(id)
  local free = job and job.state ~= 'claimed'
  if free then remove(job) end
  answers[i] = free and 1 or 0
end
return written(answers)
