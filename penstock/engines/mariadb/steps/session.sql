-- What every session is before it does anything.

-- step: version
select version()

-- step: isolation
set session transaction isolation level read committed, read write

-- step: settings
set
    time_zone = '+00:00',
    sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    autocommit = 1,
    collation_connection = 'utf8mb4_nopad_bin',
    auto_increment_increment = 1,
    auto_increment_offset = 1,
    innodb_lock_wait_timeout = :lock_seconds,
    max_statement_time = :statement_seconds,
    group_concat_max_len = 1048576,
    -- Not `default`, which is what the server was given.
    sql_select_limit = 18446744073709551615,
    sql_safe_updates = 0,
    sql_big_selects = 1,
    completion_type = 'NO_CHAIN',
    max_heap_table_size = 67108864,
    -- A join begins at the jobs that a call names and looks up the others one by one.
    join_cache_level = 0,
    optimizer_use_condition_selectivity = 1

-- The jobs that a call names, with what it says of them.
-- step: named
create temporary table named (
    place int not null primary key,
    id bigint not null,
    fence bigint,
    span bigint,
    keep bigint,
    percent double,
    state varchar(10),
    asked boolean,
    key (id)
) engine = memory default charset = utf8mb4 collate = utf8mb4_nopad_bin

-- The jobs that a call moves, locked, as they stood: from `was` to `state`.
-- step: moving
create temporary table moving (
    position int not null auto_increment primary key,
    place int not null,
    id bigint not null,
    queue int not null,
    priority int,
    attempt int not null,
    fence bigint not null,
    since bigint,
    keyed boolean not null default false,
    rooted boolean not null default false,
    cancel_requested boolean not null default false,
    span bigint,
    keep bigint,
    was varchar(10) not null,
    state varchar(10) not null,
    unique key (id),
    key (place)
) engine = memory default charset = utf8mb4 collate = utf8mb4_nopad_bin

-- Where chance falls.
-- step: thrown
create temporary table thrown (
    id bigint not null,
    chance double not null,
    primary key (id)
) engine = memory

-- step: alive
select 1
