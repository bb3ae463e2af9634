-- Store the jobs, or raise the twins of those that are waiting already.
-- KEYS: as parts/keys.lua. ARGV: the uuid of the store, each job, as arguments.NewRow packs it.
-- Returns {id, deduplicated, replayed, at} each, the answers as 0 or 1, the time in microseconds; nil for a conflict.
-- include: same_store
-- include: push_together

local jobs = {}
for i = 2, #ARGV do jobs[i - 1] = cmsgpack.unpack(ARGV[i]) end

local answers = {}
for i, pushed in ipairs(push_together(jobs)) do
  answers[i] = not pushed.conflict and {pushed.id,
    pushed.deduplicated and 1 or 0, pushed.replayed and 1 or 0, string.format('%.0f', pushed.at)}
end
return written(answers)
