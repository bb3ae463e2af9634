-- Show the runner for a while.
insert into presence (worker, slots, types, until)
values (:worker::text, :slots::integer, :types::text[], clock_timestamp() + :ttl::interval)
on conflict (worker) do update
set slots = excluded.slots, types = excluded.types, until = excluded.until
