-- Takes its time.
select pg_sleep(1.5);
