-- End the jobs done, if they are held, and push their follow-ups.
-- KEYS: as parts/keys.lua. ARGV: each end, as arguments.EndRow packs it.
-- Returns 1 or 0 each: whether the claim was held.
-- include: even_full
-- include: end_one

local answers = {}
for i, packed in ipairs(ARGV) do
  local ending = cmsgpack.unpack(packed)
  local job = read_held(ending)
  if job then end_one(job, 'done', ending) end
  answers[i] = job and 1 or 0
end
return written(answers)
