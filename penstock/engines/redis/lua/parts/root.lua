-- Remember the newest timestamp of a family.
-- include: keys

local function register(queue, root)
  local key = ROOT .. queue .. '/' .. root.signature
  local newest = redis.call('GET', key)
  if not newest or root.timestamp > tonumber(newest) then
    redis.call('SET', key, root.timestamp, 'PX', root.memory)
  end
end
