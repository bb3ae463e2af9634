-- Give a job to a worker, as both claims and reclaim do.
-- include: job

-- Nobody has reported anything of this attempt yet.
local function without_progress(job)
  if not job.progress_percent then return end
  redis.call('HDEL', JOB .. job.id, 'progress_percent', 'progress_message')
  local stored = {}
  for i = 1, #job.stored, 2 do
    if job.stored[i]:sub(1, 9) ~= 'progress_' then
      stored[#stored + 1], stored[#stored + 2] = job.stored[i], job.stored[i + 1]
    end
  end
  job.stored = stored
end

-- Answers the time until which the claim holds, and the job as it was stored and then, again, what changed.
local function take(job, ttl, worker, attempt)
  without_progress(job)
  local changed = {'fence', string.format('%.0f', job.fence + 1), 'attempt', string.format('%.0f', attempt),
    'worker', worker, 'claimed_at', string.format('%.0f', now)}
  move(job, 'claimed', now + ttl, changed)
  for _, part in ipairs(changed) do job.stored[#job.stored + 1] = part end
  job.stored[#job.stored + 1], job.stored[#job.stored + 2] = 'state', 'claimed'
  return {now + ttl, job.stored}
end

local function claim_one(job, ttl, worker)
  leave_key(job)
  return take(job, ttl, worker, job.attempt + 1)
end
