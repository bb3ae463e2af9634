-- Ten of the scheduled jobs are due.
update scheduled set run_at = @now order by run_at limit 10
