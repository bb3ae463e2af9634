-- What a script changes in indexes and tallies is gathered, and written at its end, each of them at once: a call to the
-- server costs more than what it does. Whoever reads an index that he has changed calls `write` before.
-- include: open_queues

local SHARE = 2000 -- arguments of one call; the stack holds no more than four times as many
local indexes, tallies, heads = {}, {}, {}

local function put(index, id, score)
  indexes[index] = indexes[index] or {}
  indexes[index][id] = score
end

local function take_out(index, id)
  put(index, id, false)
end

-- So many more jobs of the queue were pushed, or deleted.
local function count(queue, what, number)
  tallies[queue] = tallies[queue] or {}
  tallies[queue][what] = (tallies[queue][what] or 0) + number
end

-- A job of this priority became ready.
local function rise(queue, priority)
  heads[queue] = math.max(heads[queue] or priority, priority)
end

local function call_in_shares(command, key, arguments)
  for start = 1, #arguments, SHARE do
    redis.call(command, key, unpack(arguments, start, math.min(start + SHARE - 1, #arguments)))
  end
end

local function write_index(index, changes)
  local out, into = {}, {}
  for id, score in pairs(changes) do
    if score then
      into[#into + 1], into[#into + 2] = score, id
    else
      out[#out + 1] = id
    end
  end
  call_in_shares('ZREM', index, out)
  call_in_shares('ZADD', index, into)
end

local function write()
  for index, changes in pairs(indexes) do write_index(index, changes) end
  for queue, priority in pairs(heads) do raise_head(queue, priority) end
  for queue, counted in pairs(tallies) do
    if counted.pushed then redis.call('SADD', QUEUES, queue) end
    for what, number in pairs(counted) do redis.call('HINCRBY', TALLY .. queue, what, number) end
  end
  indexes, tallies, heads = {}, {}, {}
end

-- What the script answers, when all is written.
local function written(answer)
  write()
  return answer
end
