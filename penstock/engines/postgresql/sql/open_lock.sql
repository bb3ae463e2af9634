-- One process at a time brings this schema up to date, until its commit.
select pg_advisory_xact_lock(hashtextextended('penstock ' || current_setting('search_path'), 0))
