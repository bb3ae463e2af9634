-- Every job leaves a dead row in `waiting` and in `claimed`, and folding leaves many in `tally`: all within minutes. So they
-- are swept whenever the server looks, without pauses; the files stay as long as they were once, since to cut them off
-- would lock out everybody for a while.
alter table waiting set (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);
alter table claimed set (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);
alter table tally set (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);

-- What ended is deleted in portions that are small beside what is kept.
alter table job set (autovacuum_vacuum_scale_factor = 0.02);
alter table finished set (autovacuum_vacuum_scale_factor = 0.02);
alter table idempotency set (autovacuum_vacuum_scale_factor = 0.02);
