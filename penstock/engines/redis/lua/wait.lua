-- How often something was told that may have made a job ready.
-- KEYS: as parts/keys.lua. ARGV: none.
-- Returns the number.
-- include: keys

return tonumber(redis.call('HGET', STORE, 'wakes') or 0)
