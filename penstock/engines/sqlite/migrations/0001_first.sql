-- Times are whole microseconds since 1970 by the store's clock. A job's row stands still; narrow rows
-- in ready, scheduled, claimed or finished say where it is, and exactly one of them has it.

create table store (
    one integer primary key check (one = 1),
    uuid text not null,
    number integer not null,
    last_now integer not null,  -- the store's clock never goes below it
    next_id integer not null,
    wakes integer not null  -- rises with each commit that may have made a job ready
);

create table queue (
    id integer primary key,
    domain text not null,
    type text not null,
    paused integer not null default 0,
    scheduled integer not null default 0,
    ready integer not null default 0,
    claimed integer not null default 0,
    done integer not null default 0,
    dead integer not null default 0,
    cancelled integer not null default 0,
    superseded integer not null default 0,
    deleted integer not null default 0,
    pushed integer not null default 0,
    unique (domain, type)
);

create index queue_with_ready
on queue (type, domain)
where ready > 0 and paused = 0;

create index queue_paused
on queue (id)
where paused = 1;

create table job (
    id integer primary key,
    queue integer not null,
    priority integer not null,
    max_attempts integer not null,
    delivery text not null,
    pushed_at integer not null,
    dedupe_key text,
    root_signature text,
    root_timestamp integer,
    details text not null,
    params text not null
);

-- rank is minus the job's priority, so that the first row is the next job.
create table ready (
    queue integer not null,
    rank integer not null,
    id integer not null,
    ready_at integer not null,
    attempt integer not null,
    fence integer not null,
    primary key (queue, rank, id)
) without rowid;

create table scheduled (
    queue integer not null,
    id integer not null,
    run_at integer not null,
    attempt integer not null,
    fence integer not null,
    primary key (queue, id)
) without rowid;

create index scheduled_by_time
on scheduled (run_at, id);

create table claimed (
    id integer primary key,
    queue integer not null,
    attempt integer not null,
    fence integer not null,
    worker text not null,
    claimed_at integer not null,
    until integer not null,
    cancel_requested integer not null default 0,
    progress text
);

create index claimed_by_time
on claimed (until, id);

create table finished (
    id integer primary key,
    queue integer not null,
    state text not null,
    attempt integer not null,
    fence integer not null,
    worker text,
    claimed_at integer,
    finished_at integer not null,
    keep_until integer not null,
    cancel_requested integer not null,
    progress text,
    follow_ups text,
    error text,
    result text
);

create index finished_by_state
on finished (queue, state);

create index finished_by_time
on finished (keep_until);

-- The last error of jobs that wait or run again; it goes to finished with them.
create table last_error (
    id integer primary key,
    error text not null
);

-- From here on the key comes first: it alone finds its few rows, also where a list of keys is looked for.
create table dedupe (
    key text not null,
    queue integer not null,
    id integer not null,
    primary key (key, queue)
) without rowid;

create table root (
    signature text not null,
    queue integer not null,
    timestamp integer not null,
    until integer not null,
    primary key (signature, queue)
) without rowid;

create index root_by_time
on root (until);

create table idempotency (
    key text not null,
    domain text not null,
    item integer not null,
    fingerprint text not null,
    id integer not null,
    deduplicated integer not null,
    until integer not null,
    primary key (key, domain, item)
) without rowid;

create index idempotency_by_time
on idempotency (until);

create table presence (
    worker text primary key,
    slots integer not null,
    types text not null,
    until integer not null
) without rowid;
