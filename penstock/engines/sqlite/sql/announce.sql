-- Show a runner for a while.
insert into presence (worker, slots, types, until)
values (:worker, :slots, :types, :until)
on conflict (worker) do update
set slots = excluded.slots,
    types = excluded.types,
    until = excluded.until
