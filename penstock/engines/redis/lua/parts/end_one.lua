-- End a job in the hands of its holder, or a waiting one, and push its follow-ups with it.
-- include: push_together

-- Pushes {on, job} each; answers {on, id} of each that went in.
local function push_follow_ups(follow_ups)
  if not follow_ups then return {} end
  local jobs, kept = {}, {}
  for i, follow_up in ipairs(follow_ups) do jobs[i] = follow_up.job end
  for i, pushed in ipairs(push_together(jobs)) do
    if not pushed.conflict then kept[#kept + 1] = {follow_ups[i].on, pushed.id} end
  end
  return kept
end

-- `ending` holds keep, and may hold follow_ups, error and result.
local function end_one(job, state, ending)
  leave_key(job) -- first, since a follow-up may bring the same key
  local changed = {}
  local pushed = push_follow_ups(ending.follow_ups)
  if #pushed > 0 then changed = {'follow_ups', cjson.encode(pushed)} end
  for _, field in ipairs({'error', 'result'}) do
    if ending[field] ~= nil then
      changed[#changed + 1], changed[#changed + 2] = field, ending[field]
    end
  end
  return finish(job, state, ending.keep, changed)
end
