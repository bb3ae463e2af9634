-- The number of the queue, which is there now.
with added as (
  insert into queue (domain, type)
  values ($1::text, $2::text)
  on conflict (domain, type) do nothing
  returning id
)
select id from added
union all
select id from queue where domain = $1::text and type = $2::text
