-- What never changes of a job stands in `job`; what changes stands in exactly one of `waiting`, `claimed` and `finished`,
-- and moves between them. A move writes narrow rows only, and the tables that every claim reads stay small.

-- No statistics are to be trusted, so each statement is written so that one index serves it and no other can:
-- - Rows are looked up by a whole key, and nothing else is asked of them there that another index knows.
-- - Rows are picked in the order of one index, with a limit. A column that is equal for all rows drops out of an order, and
--   then a shorter index would do; so it is asked for as a range, `between x and x`.
-- - A condition that is always true keeps an index out of look-ups that do not name its first column.

-- Who this store is: one row.
create table store (
  single boolean primary key default true check (single),
  uuid uuid not null default gen_random_uuid(),
  number integer not null
);

create sequence job_id as bigint;

create table queue (
  id integer generated always as identity primary key,
  domain text collate "C" not null,
  type text collate "C" not null,
  paused boolean not null default false,
  unique (domain, type)
);

create table job (
  id bigint primary key,
  queue integer not null,
  params text not null,
  details text not null,
  max_attempts integer not null,
  delivery text not null,
  pushed_at timestamptz not null
);

-- Scheduled while it has a `run_at`, ready without. Scheduled jobs stand outside the indexes that claims read.
create table waiting (
  id bigint primary key,
  queue integer not null,
  priority integer not null,
  attempt integer not null default 0,
  fence bigint not null default 0,
  run_at timestamptz,
  ready_at timestamptz,
  dedupe_key text collate "C",
  root_signature text collate "C",
  root_timestamp timestamptz,
  error text,
  -- What a duplicate found when it raised this job: `returning` knows only what it left.
  was_scheduled boolean not null default false
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create index waiting_by_priority on waiting (queue, priority desc, id) where run_at is null;
create index waiting_by_id on waiting (queue, id) where run_at is null;
create index waiting_by_time on waiting (run_at, id) where run_at is not null;
create index waiting_scheduled on waiting (queue, id) where run_at is not null;
create unique index waiting_twin on waiting (queue, dedupe_key) where dedupe_key is not null;

create table claimed (
  id bigint primary key,
  queue integer not null,
  priority integer not null,
  attempt integer not null,
  fence bigint not null,
  worker text not null,
  claimed_at timestamptz not null,
  until timestamptz not null,
  progress_percent double precision,
  progress_message text,
  cancel_requested boolean not null default false,
  root_signature text collate "C",
  root_timestamp timestamptz,
  error text
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create index claimed_by_time on claimed (until, id) where until is not null;

create table finished (
  id bigint primary key,
  queue integer not null,
  state text not null,
  priority integer not null,
  attempt integer not null,
  fence bigint not null,
  worker text,
  claimed_at timestamptz,
  finished_at timestamptz not null,
  keep_until timestamptz not null,
  progress_percent double precision,
  progress_message text,
  cancel_requested boolean not null,
  root_signature text collate "C",
  root_timestamp timestamptz,
  result text,
  error text,
  follow_up_ids bigint[],
  follow_up_ons text[]
);

create index finished_by_time on finished (keep_until);
create index finished_by_state on finished (queue, state, id) where state is not null;

-- The newest root of each family.
create table root (
  queue integer not null,
  signature text collate "C" not null,
  timestamp timestamptz not null,
  until timestamptz not null,
  primary key (queue, signature)
);

create index root_by_time on root (until);

-- What was answered to pushes with an idempotency key.
create table idempotency (
  domain text collate "C" not null,
  key text collate "C" not null,
  item integer not null,
  fingerprint text not null,
  id bigint not null,
  deduplicated boolean not null,
  until timestamptz not null,
  primary key (domain, key, item)
);

create index idempotency_by_time on idempotency (until);

-- Changes of the counts: their sums are the counts. No row is ever updated, so that no two moves meet on one;
-- upkeep folds many rows of a queue into one.
create table tally (
  queue integer not null,
  pushed bigint not null default 0,
  scheduled bigint not null default 0,
  ready bigint not null default 0,
  claimed bigint not null default 0,
  done bigint not null default 0,
  dead bigint not null default 0,
  cancelled bigint not null default 0,
  superseded bigint not null default 0,
  deleted bigint not null default 0
);

create table presence (
  worker text primary key,
  slots integer not null,
  types text[] not null,
  until timestamptz not null
);
