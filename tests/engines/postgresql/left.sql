-- What this session keeps of former calls: nothing of it may matter to the next one, who may be anybody.
select (select count(*) from pg_prepared_statements) as prepared,
  (select count(*) from pg_listening_channels()) as listening,
  (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') as locks
