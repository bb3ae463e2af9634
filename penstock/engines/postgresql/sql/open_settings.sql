-- What the server, as it is set, can promise; `unsafe` are the lines that would make it durable.
select current_setting('server_version_num')::integer as version,
  pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as read_only,
  current_setting('default_transaction_isolation') as isolation,
  array_remove(
    array[
      case when not current_setting('fsync')::boolean then 'fsync = on' end,
      case when not current_setting('full_page_writes')::boolean then 'full_page_writes = on' end,
      case when current_setting('synchronous_commit') = 'off' then 'synchronous_commit = on' end
    ],
    null
  ) as unsafe
