-- The jobs of one queue are ready. Nothing is asked: they have neither delay, key nor root.
-- KEYS: as the engine's parts/keys.lua. ARGV: the queue, then params, details, priority, attempts and delivery of each.
-- Returns nothing.
-- include: open_queues
-- include: clock

local queue, entries = ARGV[1], {}
local count = (#ARGV - 1) / 5
local last = redis.call('HINCRBY', STORE, 'last_id', count)
for i = 1, count do
  local id = string.format('%016.0f', last - count + i)
  local params, details, priority, max_attempts, delivery = unpack(ARGV, 5 * i - 3, 5 * i + 1)
  redis.call('HSET', JOB .. id, 'id', id, 'pushed_at', now, 'queue', queue, 'params', params, 'details', details,
    'priority', priority, 'max_attempts', max_attempts, 'delivery', delivery, 'state', 'ready')
  entries[#entries + 1], entries[#entries + 2] = score_of('ready', tonumber(priority), id), id
end
redis.call('ZADD', JOBS .. 'ready:' .. queue, unpack(entries))
redis.call('SADD', QUEUES, queue)
settle(queue)
redis.call('HINCRBY', TALLY .. queue, 'pushed', count)
