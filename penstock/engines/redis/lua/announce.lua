-- Show the runner for a while.
-- KEYS: as parts/keys.lua. ARGV: the worker, the ttl in microseconds, the presence as arguments.py packs it.
-- Returns nothing.
-- include: even_full
-- include: clock

redis.call('ZADD', WORKERS, now + tonumber(ARGV[2]), ARGV[1])
redis.call('HSET', PRESENCES, ARGV[1], ARGV[3])
