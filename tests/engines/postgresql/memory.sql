-- How long the only root and the only key are remembered, from the only job on.
select root.until - pushed_at, idempotency.until - pushed_at, item, deduplicated
from job, root, idempotency
