-- Show the runner for a while.
insert into presence (worker, slots, types, until)
values (:worker, :slots, :types, @now + :ttl)
on duplicate key update
    slots = values(slots),
    types = values(types),
    until = values(until)
