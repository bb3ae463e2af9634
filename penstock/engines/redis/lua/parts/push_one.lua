-- Push one job that is no conflict.
-- include: job
-- include: root

-- What was answered when the caller's key came first, or nil.
local function replay(idempotency)
  local known = redis.call('HMGET', IDEMPOTENCY .. idempotency.name, 'id', 'deduplicated', 'at')
  if not known[1] then return nil end
  return {id = known[1], deduplicated = known[2] == '1', replayed = true, at = tonumber(known[3])}
end

local function remember(idempotency, pushed)
  local key = IDEMPOTENCY .. idempotency.name
  redis.call('HSET', key, 'fingerprint', idempotency.fingerprint,
    'id', pushed.id, 'deduplicated', pushed.deduplicated and '1' or '0', 'at', string.format('%.0f', pushed.at))
  redis.call('PEXPIRE', key, idempotency.memory)
end

local function raise_root(job, root)
  if not root or job.root_timestamp and root.timestamp <= job.root_timestamp then return end
  redis.call('HSET', JOB .. job.id, 'root_signature', root.signature, 'root_timestamp', root.timestamp)
end

local function waiting_twin(new)
  local id = new.dedupe_key and redis.call('HGET', DEDUPE .. new.queue, new.dedupe_key)
  return id and read(id) or nil
end

-- Raise a waiting job to what an equal one asks for.
local function raise(job, new, due)
  raise_root(job, new.root)
  local priority = math.max(job.priority, new.priority)
  if priority > job.priority then
    job.priority = priority
    redis.call('HSET', JOB .. job.id, 'priority', priority)
  end
  if job.state == 'scheduled' then return line_up(job, math.min(job.run_at, due), {}) end
  return move(job, 'ready', nil, {})
end

-- A job without an attempt, a fence or a delivery has none, none and the usual one.
local KEPT_AS_GIVEN = {'queue', 'params', 'details', 'priority', 'max_attempts', 'delivery', 'dedupe_key'}

-- The next id of those that were reserved: text of 16 digits, so that ids stand in their order in every sorted set.
local last_id, reserved = 0, 0
local function next_id()
  last_id, reserved = last_id + 1, reserved - 1
  return string.format('%016.0f', last_id)
end

-- As many ids as there may be jobs to store are ours. If the script fails they are never given, instead of twice.
local function reserve(number)
  last_id, reserved = redis.call('HINCRBY', STORE, 'last_id', number) - number, number
end

local function give_back_ids()
  if reserved > 0 then redis.call('HINCRBY', STORE, 'last_id', -reserved) end
end

-- Answers the id.
local function store(new, due)
  local id = next_id()
  local fields = {'id', id, 'pushed_at', now}
  for _, field in ipairs(KEPT_AS_GIVEN) do
    if new[field] ~= nil then
      fields[#fields + 1], fields[#fields + 2] = field, new[field]
    end
  end
  local job = {id = id, queue = new.queue, priority = new.priority}
  line_up(job, due, fields)
  raise_root(job, new.root)
  if new.dedupe_key then redis.call('HSET', DEDUPE .. new.queue, new.dedupe_key, id) end
  count(new.queue, 'pushed', 1)
  return id
end

-- Answers {id, deduplicated, replayed, at}.
local function push_one(new)
  local known = new.idempotency and replay(new.idempotency)
  if known then return known end
  if new.root then register(new.queue, new.root) end
  local due = new.run_at or now + (new.delay or 0)
  local twin = waiting_twin(new)
  if twin then raise(twin, new, due) end
  local pushed = {id = twin and twin.id or store(new, due), deduplicated = twin ~= nil, at = now}
  if new.idempotency then remember(new.idempotency, pushed) end
  return pushed
end
