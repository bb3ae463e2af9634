-- What this session has counted for the statistics is told at once.
select pg_stat_force_next_flush()
