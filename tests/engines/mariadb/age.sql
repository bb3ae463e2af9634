update job set pushed_at = pushed_at - %s;
update ready set ready_at = ready_at - %s;
update scheduled set run_at = run_at - %s;
update claimed set claimed_at = claimed_at - %s, until = until - %s;
update finished set claimed_at = claimed_at - %s, finished_at = finished_at - %s, keep_until = keep_until - %s;
update root set until = until - %s;
update idempotency set until = until - %s;
update presence set until = until - %s;
