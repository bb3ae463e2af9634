-- Whether a session that migrates waits for a lock.
select exists (
  select from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%next_note%'
)
