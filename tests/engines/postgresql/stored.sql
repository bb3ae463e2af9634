-- What is stored of job $1 beside its id, in all tables; times count from its push.
select jsonb_build_object(
  'job', to_jsonb(job) - '{id,pushed_at}'::text[],
  'waiting', to_jsonb(waiting) - '{id,run_at,ready_at}'::text[],
  'delay', run_at - pushed_at,
  'ready', ready_at - pushed_at,
  'root', to_jsonb(root) - 'until'::text,
  'root memory', root.until - pushed_at,
  'key memory', idempotency.until - pushed_at,
  'key', idempotency.key,
  'item', idempotency.item
)
from job
join waiting using (id)
left join root on root.queue = job.queue and root.signature = root_signature
left join idempotency using (id)
where id = $1
