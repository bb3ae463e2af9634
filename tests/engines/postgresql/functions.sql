-- The functions of schema $1.
select oid, proname
from pg_proc
where pronamespace = $1::text::regnamespace
order by oid
