-- A job in the hands of a script: read from its hash, moved from one state to another, removed.
-- include: pending
-- include: tell

local FIELDS = {'queue', 'state', 'priority', 'fence', 'attempt', 'max_attempts', 'delivery', 'worker',
  'cancel_requested', 'dedupe_key', 'root_signature', 'root_timestamp', 'run_at'}
local NUMBERS = {priority = true, fence = true, attempt = true, max_attempts = true,
  root_timestamp = true, run_at = true}

-- The sorted set that knows until when a state lasts; ready lasts until somebody claims.
local UNTIL = {scheduled = DUE, claimed = HELD,
  done = KEPT, dead = KEPT, cancelled = KEPT, superseded = KEPT}

-- The job with what is not stored where it is as usual.
local function as_usual(job)
  job.fence, job.attempt = job.fence or 0, job.attempt or 0
  job.delivery = job.delivery or 'at_least_once'
  return job
end

-- The job, or nil where there is none.
local function read(id)
  local values = redis.call('HMGET', JOB .. id, unpack(FIELDS))
  if not values[2] then return nil end
  local job = {id = id}
  for i, field in ipairs(FIELDS) do
    if values[i] then job[field] = NUMBERS[field] and tonumber(values[i]) or values[i] end
  end
  return as_usual(job)
end

-- The job with all its fields, as they are stored, under `stored`.
local function read_whole(id)
  local stored = redis.call('HGETALL', JOB .. id)
  local job = {id = id, stored = stored}
  for i = 1, #stored, 2 do
    local field = stored[i]
    job[field] = NUMBERS[field] and tonumber(stored[i + 1]) or stored[i + 1]
  end
  return job.state and as_usual(job) or nil
end

-- The job, if this claim holds it; a claim past its time does until it is reclaimed. It has no key any more.
local function read_held(claim)
  local stored = redis.call('HMGET', JOB .. claim.id,
    'state', 'fence', 'queue', 'priority', 'attempt', 'cancel_requested')
  if stored[1] ~= 'claimed' or tonumber(stored[2]) ~= claim.fence then return nil end
  return {id = claim.id, state = 'claimed', fence = claim.fence, queue = stored[3],
    priority = tonumber(stored[4]), attempt = tonumber(stored[5]), cancel_requested = stored[6]}
end

local function leave(job)
  take_out(JOBS .. job.state .. ':' .. job.queue, job.id)
  if UNTIL[job.state] then take_out(UNTIL[job.state], job.id) end
end

-- Put the job into a state, which lasts until `time`, with the fields changed.
local function move(job, state, time, changed)
  if job.state then leave(job) end
  put(JOBS .. state .. ':' .. job.queue, job.id, score_of(state, job.priority, job.id))
  if UNTIL[state] then put(UNTIL[state], job.id, time) end
  if state == 'ready' then rise(job.queue, job.priority) end
  redis.call('HSET', JOB .. job.id, 'state', state, unpack(changed))
  job.state = state
end

-- Make the job ready if its time has come, and scheduled otherwise.
local function line_up(job, run_at, changed)
  if run_at <= now then
    if job.state then changed[#changed + 1], changed[#changed + 2] = 'ready_since', now end -- else since its push
    move(job, 'ready', nil, changed)
    return tell()
  end
  changed[#changed + 1], changed[#changed + 2] = 'run_at', run_at
  return move(job, 'scheduled', run_at, changed)
end

-- The key is free for a twin from now on.
local function leave_key(job)
  if not job.dedupe_key then return end
  redis.call('HDEL', DEDUPE .. job.queue, job.dedupe_key)
  redis.call('HDEL', JOB .. job.id, 'dedupe_key')
  job.dedupe_key = nil
end

local function remove(job)
  leave_key(job)
  leave(job)
  redis.call('DEL', JOB .. job.id)
  count(job.queue, 'deleted', 1)
end

-- End the job in this state; it stays readable for `keep`.
local function finish(job, state, keep, changed)
  if keep <= 0 then return remove(job) end
  leave_key(job)
  changed[#changed + 1], changed[#changed + 2] = 'finished_at', now
  return move(job, state, now + keep, changed)
end
