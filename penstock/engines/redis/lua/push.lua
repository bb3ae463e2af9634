-- Store the jobs, or raise the twins of those that are waiting already.
-- KEYS: as parts/keys.lua. ARGV: each job, as arguments.NewRow packs it.
-- Returns {id, deduplicated, replayed, conflict, at} each, the answers as 0 or 1, the time in microseconds.
-- include: push_one

local answers = {}
for i, packed in ipairs(ARGV) do
  local pushed = push_one(cmsgpack.unpack(packed))
  answers[i] = {pushed.id,
    pushed.deduplicated and 1 or 0, pushed.replayed and 1 or 0, pushed.conflict and 1 or 0,
    string.format('%.0f', pushed.at)}
end
return answers
