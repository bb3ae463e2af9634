-- The migrations that were applied.
select number, name from migration order by number
