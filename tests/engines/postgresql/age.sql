-- Every stored time lies further back by $1.
with
aged_migration as (update migration set applied_at = applied_at - $1::interval),
aged_job as (update job set pushed_at = pushed_at - $1::interval),
aged_waiting as (update waiting set run_at = run_at - $1::interval, ready_at = ready_at - $1::interval),
aged_claimed as (update claimed set claimed_at = claimed_at - $1::interval, until = until - $1::interval),
aged_finished as (
  update finished
  set claimed_at = claimed_at - $1::interval,
    finished_at = finished_at - $1::interval,
    keep_until = keep_until - $1::interval
),
aged_root as (update root set until = until - $1::interval),
aged_idempotency as (update idempotency set until = until - $1::interval)
update presence set until = until - $1::interval
