-- The ready jobs of a queue in the order in which they are claimed.
-- include: order
-- include: chance

local function by_priority(index, last, limit)
  return redis.call('ZRANGEBYSCORE', index, '-inf', last, 'LIMIT', 0, limit)
end

-- The lowest ids of all buckets: each is read in small pages, the bucket with the lowest head gives.
local function by_id(index, last, limit)
  local heads, ids = {}, {}
  for _, start in ipairs(buckets(index, last)) do
    heads[#heads + 1] = {start = start, offset = 0, page = {}, at = 1}
  end
  local size = math.ceil(limit / math.max(#heads, 1))
  local function peek(head)
    if head.at > #head.page and not head.is_dry then
      local following = string.format('(%.0f', head.start + SPAN)
      head.page = redis.call('ZRANGEBYSCORE', index, head.start, following, 'LIMIT', head.offset, size)
      head.is_dry = #head.page < size
      head.offset, head.at = head.offset + #head.page, 1
    end
    return tonumber(head.page[head.at])
  end
  while #ids < limit do
    local lowest, giver
    for _, head in ipairs(heads) do
      local id = peek(head)
      if id and (not lowest or id < lowest) then lowest, giver = id, head end
    end
    if not giver then return ids end
    ids[#ids + 1] = giver.page[giver.at]
    giver.at = giver.at + 1
  end
  return ids
end

-- Distinct places drawn as from a shuffled deck, of which only the drawn cards are held.
local function by_chance(index, last, limit)
  local size, deck, ids = redis.call('ZCOUNT', index, '-inf', last), {}, {}
  for i = 1, math.min(size, limit) do
    local drawn = math.random(i, size)
    local rank = (deck[drawn] or drawn) - 1
    deck[drawn] = deck[i] or i
    ids[i] = redis.call('ZRANGE', index, rank, rank)[1]
  end
  return ids
end

local ORDERS = {priority = by_priority, fifo = by_id, random = by_chance}

-- The next ids, at most `limit`, of no lower priority than the want's floor.
local function next_ready(want, limit)
  local last = string.format('(%.0f', bucket_of('ready', want.floor) + SPAN)
  return ORDERS[want.order](JOBS .. 'ready:' .. want.queue, last, limit)
end
