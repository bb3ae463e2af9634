-- Until the end of the transaction, nothing waits for long: whoever comes behind a table that waits to be changed, waits too.
select set_config('lock_timeout', '2s', true)
