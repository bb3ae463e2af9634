-- Every stored time lies further back by :duration microseconds; the store's own clock too, else it
-- would stand still until the host's clock has caught up with it.
update store
set last_now = last_now - :duration;

update migration
set applied_at = applied_at - :duration;

update job
set pushed_at = pushed_at - :duration;

update ready
set ready_at = ready_at - :duration;

update scheduled
set run_at = run_at - :duration;

update claimed
set claimed_at = claimed_at - :duration,
    until = until - :duration;

update finished
set claimed_at = claimed_at - :duration,
    finished_at = finished_at - :duration,
    keep_until = keep_until - :duration;

update root
set until = until - :duration;

update idempotency
set until = until - :duration;

update presence
set until = until - :duration;
