-- Make the store known to itself, if it is new.
-- KEYS: as parts/keys.lua. ARGV: uuid and number of a new store, the id before its first, schema.
-- Returns uuid, number and schema of the store as it is.
-- include: keys

if redis.call('HEXISTS', STORE, 'uuid') == 0 then
  redis.call('HSET', STORE, 'uuid', ARGV[1], 'number', ARGV[2], 'last_id', ARGV[3], 'schema', ARGV[4])
end
return redis.call('HMGET', STORE, 'uuid', 'number', 'schema')
