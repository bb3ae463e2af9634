-- End a job in the hands of its holder, or a waiting one, and push its follow-ups with it.
-- include: push_one

-- Pushes {on, job} each; answers the text that the job keeps: {on, id} each.
local function push_follow_ups(follow_ups)
  local pushed = {}
  for i, follow_up in ipairs(follow_ups) do
    pushed[i] = {follow_up.on, push_one(follow_up.job).id}
  end
  return cjson.encode(pushed)
end

-- `ending` holds keep and follow_ups, and may hold error and result.
local function end_one(job, state, ending)
  leave_key(job) -- first, since a follow-up may bring the same key
  local changed = {}
  if #ending.follow_ups > 0 then changed = {'follow_ups', push_follow_ups(ending.follow_ups)} end
  for _, field in ipairs({'error', 'result'}) do
    if ending[field] ~= nil then
      changed[#changed + 1], changed[#changed + 2] = field, ending[field]
    end
  end
  return finish(job, state, ending.keep, changed)
end
