-- The claims in `held`, which are locked, are held no more. Before: `held`.
-- By array and by hash, not by a join: a join may be planned to read the whole table, or to compare each with each.
let_go as (
  delete from claimed
  where id = any (array(select id from held))
    and ((id, fence) in (select id, fence from held)) is true
)
