-- Whether the dead rows of former cases come near the number from which on claims begin behind them.
select pg_stat_get_dead_tuples('waiting'::regclass) > 5000
