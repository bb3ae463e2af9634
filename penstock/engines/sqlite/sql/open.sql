-- Make a connection safe and quick; find out whose database it is.

-- step: patience
pragma busy_timeout = 10000

-- step: wal
pragma journal_mode = wal

-- step: sync
pragma synchronous = full

-- step: sync_to_disk
pragma fullfsync = on

-- step: wal_size
pragma journal_size_limit = 67108864

-- step: cache
pragma cache_size = -32768

-- step: journal
pragma journal_mode

-- step: synchronous
pragma synchronous

-- step: only_read
pragma query_only = on

-- step: tables
select name
from sqlite_master
where type = 'table'

-- step: migrations
create table if not exists migration (
    number integer primary key,
    name text not null,
    applied_at integer not null
)

-- step: schema
select number, name
from migration
order by number

-- step: applied
insert into migration (number, name, applied_at)
values (:number, :name, :now)

-- step: found
insert into store (one, uuid, number, last_now, next_id, wakes)
values (1, :uuid, :number, 0, :next_id, 0)
on conflict do nothing

-- step: identity
select uuid, number
from store

-- step: last_now
select last_now
from store
