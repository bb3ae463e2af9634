-- The named jobs as they stand, in any order.
-- include stored_job
where job.id = any (:ids::bigint[])
