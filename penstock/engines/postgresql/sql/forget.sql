-- The worker is dead: expire what it holds. One row: how many claims.
with clock as materialized (
  select clock_timestamp() as now
),
gone as (
  delete from presence where worker = :worker::text
),
locked as materialized (
  select id from claimed where worker = :worker::text order by id for update
),
expired as (
  update claimed
  set until = least(claimed.until, clock.now)
  from clock
  where claimed.id = any (array(select id from locked)) and claimed.worker = :worker::text
  returning 1
)
select count(*) as count from expired
