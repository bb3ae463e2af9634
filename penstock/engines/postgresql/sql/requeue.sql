-- Line dead jobs up again as if they had never been tried. One row for each.
with clock as materialized (
  select clock_timestamp() as now
),
locked as materialized (
  select id
  from finished
  -- `is true`: so it is found by its id, not by its state.
  where id = any (:ids::bigint[]) and (state = 'dead') is true
  -- Sorted, so that two calls with the same ids do not wait for each other.
  order by id
  for update
),
gone as (
  delete from finished
  where finished.id = any (array(select id from locked))
  returning finished.*
),
given_back as materialized (
  select id, queue, 'dead' as was, priority, 0 as attempt, fence, root_signature, root_timestamp,
    interval '0' as after, error
  from gone
),
-- include given_back
select id from given_back
