-- A migration that waits for a table holds up all who come after it: it rather gives up, and is tried again.
select set_config('lock_timeout', '5s', true)
