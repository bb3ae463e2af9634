-- The jobs as they stand.
-- KEYS: as parts/keys.lua. ARGV: each id.
-- Returns what HGETALL gives, each in its place, empty where there is no such job.
-- include: keys

local jobs = {}
for i, id in ipairs(ARGV) do
  jobs[i] = redis.call('HGETALL', JOB .. id)
end
return jobs
