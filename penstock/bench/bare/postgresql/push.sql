-- The jobs are ready. Nothing is asked: they have neither delay, key nor root.
with new as materialized (
  select nextval('job_id') as id, given.*
  from unnest($1::integer[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::text[])
    as given (queue, params, details, priority, max_attempts, delivery)
),
stored as (
  insert into job (id, queue, params, details, max_attempts, delivery, pushed_at)
  select id, queue, params, details, max_attempts, delivery, now()
  from new
),
lined_up as (
  insert into waiting (id, queue, priority, ready_at)
  select id, queue, priority, now()
  from new
)
insert into tally (queue, pushed, ready)
select queue, count(*), count(*)
from new
group by queue
