-- Line a job up again that somebody held.
-- include: job

local function give_back(job, after, changed)
  redis.call('HDEL', JOB .. job.id, 'worker', 'claimed_at', 'progress_percent', 'progress_message')
  return line_up(job, now + after, changed)
end
