-- What never changes of a job stands in `job`, and what is said of it in tables beside it; where it is stands in exactly one
-- of `ready`, `scheduled`, `claimed` and `finished`. A move writes narrow rows only.
-- Times are whole microseconds since 1970 in UTC, by the server's clock. Names compare byte by byte, spaces at the end too.
-- Each statement may run again: a server that died halfway keeps what it had made.

-- Who this store is: one row.
create table if not exists store (
    single tinyint not null primary key check (single = 1),
    uuid varchar(36) not null,
    number int not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists queue (
    id int not null auto_increment primary key,
    domain varchar(500) not null,
    type varchar(255) not null,
    paused boolean not null default false,
    unique key by_name (domain, type)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- Priority and root change only while the job waits, when a duplicate raises it.
create table if not exists job (
    id bigint not null auto_increment primary key,
    queue int not null,
    priority int not null,
    max_attempts int not null,
    delivery varchar(20) not null,
    pushed_at bigint not null,
    root_signature varchar(255),
    root_timestamp bigint,
    details mediumtext not null,
    params mediumtext not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- `rank` is minus the priority, so that the first row of a queue is its next job.
-- keyed: has a row in `twin`. rooted: belongs to a family.
create table if not exists ready (
    queue int not null,
    `rank` int not null,
    id bigint not null,
    ready_at bigint not null,
    attempt int not null,
    fence bigint not null,
    keyed boolean not null,
    rooted boolean not null,
    primary key (queue, `rank`, id),
    unique key by_id (queue, id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists scheduled (
    id bigint not null primary key,
    queue int not null,
    run_at bigint not null,
    attempt int not null,
    fence bigint not null,
    keyed boolean not null,
    rooted boolean not null,
    key by_time (run_at, id),
    key by_queue (queue, id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- The jobs that a duplicate would raise: never claimed, pushed with this key (a digest of it).
create table if not exists twin (
    queue int not null,
    dedupe_key binary(32) not null,
    id bigint not null,
    primary key (queue, dedupe_key),
    unique key by_id (id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists claimed (
    id bigint not null primary key,
    queue int not null,
    attempt int not null,
    fence bigint not null,
    worker varchar(255) not null,
    claimed_at bigint not null,
    until bigint not null,
    cancel_requested boolean not null default false,
    key by_time (until, id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists finished (
    id bigint not null primary key,
    queue int not null,
    state varchar(16) not null,
    attempt int not null,
    fence bigint not null,
    worker varchar(255),
    claimed_at bigint,
    finished_at bigint not null,
    keep_until bigint not null,
    cancel_requested boolean not null,
    key by_time (keep_until),
    key by_state (queue, state, id)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists progress (
    id bigint not null primary key,
    percent double not null,
    message mediumtext not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists last_error (
    id bigint not null primary key,
    error mediumtext not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists result (
    id bigint not null primary key,
    result mediumtext not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists follow_up (
    parent bigint not null,
    place int not null,
    ending varchar(16) not null,
    id bigint not null,
    primary key (parent, place)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- The newest root of each family.
create table if not exists root (
    queue int not null,
    signature varchar(255) not null,
    timestamp bigint not null,
    until bigint not null,
    primary key (queue, signature),
    key by_time (until)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- What was answered to pushes with an idempotency key; `record` is a digest of the domain and the key.
create table if not exists idempotency (
    record binary(32) not null primary key,
    fingerprint text not null,
    id bigint not null,
    deduplicated boolean not null,
    until bigint not null,
    key by_time (until)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- The counts of a queue are the sums of its rows. A session adds to the row of its slot, so that two that work on one
-- queue hardly ever meet on a row.
create table if not exists tally (
    queue int not null,
    slot int not null,
    pushed bigint not null default 0,
    scheduled bigint not null default 0,
    ready bigint not null default 0,
    claimed bigint not null default 0,
    done bigint not null default 0,
    dead bigint not null default 0,
    cancelled bigint not null default 0,
    superseded bigint not null default 0,
    deleted bigint not null default 0,
    primary key (queue, slot)
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

-- How often a job may have become ready, over all slots: whoever waits looks whether the sum has risen.
create table if not exists wake (
    slot int not null primary key,
    count bigint not null default 0
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

create table if not exists presence (
    worker varchar(255) not null primary key,
    slots int not null,
    types mediumtext not null,
    until bigint not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;
