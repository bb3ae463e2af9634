-- What ends jobs, keeps them held or hands them out goes on where the server has no memory left: a script that has
-- written is not stopped any more, so it begins with a write that needs none.
-- include: keys

redis.call('HDEL', STORE, '')
