-- These functions for others are known from now on. A row where no newer release has made its own.
with known as (
  insert into published (fingerprint, number)
  values (:fingerprint::text, :number::integer)
  on conflict (fingerprint) do nothing
)
select 1 as newest
where not exists (select from published where number > :number::integer)
