-- Nothing is stored, and ids start again.
with
no_queue as (delete from queue),
no_job as (delete from job),
no_waiting as (delete from waiting),
no_claimed as (delete from claimed),
no_finished as (delete from finished),
no_root as (delete from root),
no_idempotency as (delete from idempotency),
no_tally as (delete from tally),
no_policy as (delete from policy),
no_presence as (delete from presence)
select setval('job_id', 1, false)
