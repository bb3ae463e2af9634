-- Push the jobs of one call: what was asked for under one key goes in, or falls, as a whole.
-- include: push_one

local CONFLICT = {conflict = true}

-- What was asked for under each key, in the order of the first jobs: {fingerprint, records}, by key and fingerprint.
local function asked_together(jobs)
  local asked, order = {}, {}
  for _, new in ipairs(jobs) do
    local idempotency = new.idempotency
    if idempotency then
      local prints = asked[idempotency.key] or {}
      asked[idempotency.key] = prints
      local one = prints[idempotency.fingerprint]
      if not one then
        one = {fingerprint = idempotency.fingerprint, records = {}}
        prints[idempotency.fingerprint], order[#order + 1] = one, one
      end
      one.records[#one.records + 1] = idempotency.name
    end
  end
  return asked, order
end

-- Marks what has a record that is known with another fingerprint, in the store or by what stands before it.
local function judge(order)
  local taken = {}
  local function is_foreign(name, fingerprint)
    local known = taken[name] or redis.call('HGET', IDEMPOTENCY .. name, 'fingerprint')
    return known and known ~= fingerprint
  end
  for _, one in ipairs(order) do
    for _, name in ipairs(one.records) do
      if is_foreign(name, one.fingerprint) then one.is_fallen = true; break end
    end
    if not one.is_fallen then
      for _, name in ipairs(one.records) do taken[name] = one.fingerprint end
    end
  end
end

-- Answers each in its place as push_one does, {conflict} for one that fell.
local function push_together(jobs)
  local asked, order = asked_together(jobs)
  judge(order)
  reserve(#jobs)
  local answers = {}
  for i, new in ipairs(jobs) do
    local idempotency = new.idempotency
    local is_fallen = idempotency and asked[idempotency.key][idempotency.fingerprint].is_fallen
    answers[i] = is_fallen and CONFLICT or push_one(new)
  end
  give_back_ids()
  return answers
end
