-- The caller names the uuid of the store that it opened. Where that is gone, its ids would be given again, and jobs of
-- another store taken for its own.
-- include: keys

if redis.call('HGET', STORE, 'uuid') ~= ARGV[1] then
  return redis.error_reply('EMPTIED this is not the store that was opened')
end
