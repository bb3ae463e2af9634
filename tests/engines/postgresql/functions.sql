-- The functions of schema $1 that are called.
select oid, proname
from pg_proc
where pronamespace = $1::text::regnamespace and prorettype <> 'trigger'::regtype
order by oid
