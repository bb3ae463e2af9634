-- A job in the hands of a script: read from its hash, moved from one state to another, removed.
-- include: open_queues
-- include: tell

local FIELDS = {'queue', 'state', 'priority', 'fence', 'attempt', 'max_attempts', 'delivery', 'worker',
  'cancel_requested', 'dedupe_key', 'root_signature', 'root_timestamp', 'run_at'}
local NUMBERS = {priority = true, fence = true, attempt = true, max_attempts = true,
  root_timestamp = true, run_at = true}

-- The sorted set that knows until when a state lasts; ready lasts until somebody claims.
local UNTIL = {scheduled = DUE, claimed = HELD,
  done = KEPT, dead = KEPT, cancelled = KEPT, superseded = KEPT}

-- The job, or nil where there is none.
local function read(id)
  local values = redis.call('HMGET', JOB .. id, unpack(FIELDS))
  if not values[2] then return nil end
  local job = {id = id}
  for i, field in ipairs(FIELDS) do
    if values[i] then job[field] = NUMBERS[field] and tonumber(values[i]) or values[i] end
  end
  return job
end

-- The job, if this claim holds it; a claim past its time does until it is reclaimed.
local function read_held(claim)
  local job = read(claim.id)
  if job and job.state == 'claimed' and job.fence == claim.fence then return job end
  return nil
end

local function leave(job)
  redis.call('ZREM', JOBS .. job.state .. ':' .. job.queue, job.id)
  if UNTIL[job.state] then redis.call('ZREM', UNTIL[job.state], job.id) end
end

-- Put the job into a state, which lasts until `time`, with the fields changed.
local function move(job, state, time, changed)
  if job.state then leave(job) end
  redis.call('ZADD', JOBS .. state .. ':' .. job.queue, score_of(state, job.priority, job.id), job.id)
  if UNTIL[state] then redis.call('ZADD', UNTIL[state], time, job.id) end
  if state == 'ready' then raise_head(job.queue, job.priority) end
  redis.call('HSET', JOB .. job.id, 'state', state, unpack(changed))
  job.state = state
end

-- Make the job ready if its time has come, and scheduled otherwise.
local function line_up(job, run_at, changed)
  if run_at <= now then
    changed[#changed + 1], changed[#changed + 2] = 'ready_since', now
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
  redis.call('HINCRBY', TALLY .. job.queue, 'deleted', 1)
end

-- End the job in this state; it stays readable for `keep`.
local function finish(job, state, keep, changed)
  if keep <= 0 then return remove(job) end
  leave_key(job)
  changed[#changed + 1], changed[#changed + 2] = 'finished_at', now
  return move(job, state, now + keep, changed)
end
