-- The queues with ready jobs, by type and by the priority of their heads. What leaves a queue may leave it behind
-- with a head that is gone: whoever looks at it sets it right.
-- include: order

local function open_of(queue)
  return OPEN .. queue:match('[^/]*$')
end

-- The highest priority of a ready job of the queue, or nil.
local function head_of(queue)
  local head = redis.call('ZRANGE', JOBS .. 'ready:' .. queue, 0, 0, 'WITHSCORES')
  return head[2] and priority_of(tonumber(head[2]))
end

-- A job of this priority became ready.
local function raise_head(queue, priority)
  redis.call('ZADD', open_of(queue), 'GT', priority, queue)
end

-- The queue stands where its head puts it, which is answered: nil where it has none to give.
local function settle(queue)
  local priority = redis.call('SISMEMBER', PAUSED, queue) == 0 and head_of(queue) or nil
  if priority then
    redis.call('ZADD', open_of(queue), priority, queue)
  else
    redis.call('ZREM', open_of(queue), queue)
  end
  return priority
end
