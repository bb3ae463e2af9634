-- An empty store takes this number, and gives its first id next.
with made as (
  insert into store (number) values (:number::integer)
  on conflict (single) do nothing
  returning number
)
select setval('job_id', :first_id::bigint, false) from made
