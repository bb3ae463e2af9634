-- Ids begin where those of the store's number do.
select setval('job_id', $1::bigint, false)
