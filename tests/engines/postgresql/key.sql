-- The key of job $1, and its params.
select dedupe_key, params
from waiting
join job using (id)
where id = $1
