-- As applications call it.
select * from penstock_push($1::jsonb)
