-- Find out whose store it is, and make it the present one.

-- step: server
select
    @@global.innodb_flush_log_at_trx_commit,
    @@global.innodb_doublewrite,
    @@global.log_bin,
    @@global.sync_binlog,
    @@session.binlog_format,
    @@global.read_only,
    @@session.max_allowed_packet

-- One process at a time brings the schema of a database up to date.
-- step: lock
select get_lock(concat('penstock ', sha1(database())), :seconds)

-- step: unlock
select release_lock(concat('penstock ', sha1(database())))

-- A migration that waits for a table holds up all who come after it: it rather gives up, and is tried again.
-- step: patience
set lock_wait_timeout = 5

-- step: migrations
create table if not exists migration (
    number int not null primary key,
    name varchar(255) not null,
    applied_at bigint not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin

-- Whether the database has a list of applied migrations.
-- step: there
select count(*)
from information_schema.tables
where table_schema = database() and table_name = 'migration'

-- step: applied
select number, name
from migration
order by number

-- step: record
insert into migration (number, name, applied_at)
values (:number, :name, timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)))

-- An empty store takes this number, and gives its first id next.
-- step: found
select count(*)
from store

-- step: first_id
alter table job auto_increment = :first_id

-- step: number
insert into store (single, uuid, number)
values (1, uuid(), :number)

-- step: identity
select uuid, number
from store

-- How the server does.
-- step: examination
select
    version(),
    timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)),
    @@global.max_connections,
    (select variable_value from information_schema.global_status where variable_name = 'THREADS_CONNECTED')
