-- As many jobs as $1 were ready once, of low ids and a high priority, and are gone.
with gone as (
  delete from waiting
  where id < 0
  returning id
)
select count(*) from gone
