-- Remember the newest timestamp of each family; one that was to be forgotten counts as unknown.
insert into root (queue, signature, timestamp, until)
values
-- each
(:queue, :signature, :timestamp, @now + :memory)
-- then
on duplicate key update
    timestamp = if(
        @newer := (values(timestamp) > root.timestamp or root.until <= @now),
        values(timestamp),
        root.timestamp
    ),
    until = if(@newer, values(until), root.until)
