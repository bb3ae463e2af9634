-- The policies of the types are these; where they were already, nothing is written.
with given as (
  select *
  from unnest(:types::text[], :stores::text[], :max_attempts::integer[], :deliveries::text[])
    as policy (type, store, max_attempts, delivery)
),
gone as (
  delete from policy
  where type not in (select type from given)
)
insert into policy as known (type, store, max_attempts, delivery)
select type, store, max_attempts, delivery
from given
on conflict (type) do update
set store = excluded.store, max_attempts = excluded.max_attempts, delivery = excluded.delivery
where (known.store, known.max_attempts, known.delivery)
  is distinct from (excluded.store, excluded.max_attempts, excluded.delivery)
