-- Give a job to a worker, as both claims and reclaim do.
-- include: job

-- Answers the time until which the claim holds, and the job as it stands now.
local function take(job, ttl, worker, attempt)
  redis.call('HDEL', JOB .. job.id, 'progress_percent', 'progress_message')
  move(job, 'claimed', now + ttl, {
    'fence', job.fence + 1, 'attempt', attempt, 'worker', worker, 'claimed_at', now})
  return {now + ttl, redis.call('HGETALL', JOB .. job.id)}
end

local function claim_one(job, ttl, worker)
  leave_key(job)
  return take(job, ttl, worker, job.attempt + 1)
end
