-- The time of the server, in microseconds since 1970. It stands still while the script runs.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
