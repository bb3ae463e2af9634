-- Who works for this session.
select pg_backend_pid() as process
