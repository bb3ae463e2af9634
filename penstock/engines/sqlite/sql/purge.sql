-- Take out what was kept long enough; forget what was remembered long enough.

-- step: take
delete from finished
where id in (
    select id
    from finished
    where keep_until <= :now
    order by keep_until
    limit :limit
)
returning id, queue, state

-- step: roots
delete from root
where signature in (
    select signature
    from root
    where until <= :now
    order by until
    limit :limit
)
    and until <= :now

-- step: keys
delete from idempotency
where key in (
    select key
    from idempotency
    where until <= :now
    order by until
    limit :limit
)
    and until <= :now

-- step: presences
delete from presence
where until <= :now
