-- Chance that differs from call to call; by itself every script starts with the same seed.
-- include: clock

math.randomseed(now % 2147483647)
