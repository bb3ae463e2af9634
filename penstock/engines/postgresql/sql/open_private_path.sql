-- Names are those of the schema still, but the session's own temporary tables come last.
select set_config('search_path', current_setting('search_path') || ', pg_temp', true)
