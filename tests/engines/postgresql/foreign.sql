-- Somebody else speaks on the channel of schema $1.
select pg_notify($1, 'good morning')
