-- What the server, as it is set, can promise.
select current_setting('server_version_num')::integer as version,
  pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as read_only,
  current_setting('default_transaction_isolation') as isolation,
  current_setting('fsync')::boolean
    and current_setting('full_page_writes')::boolean
    and current_setting('synchronous_commit') <> 'off' as durable
