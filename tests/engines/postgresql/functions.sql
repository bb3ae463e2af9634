-- The functions of schema $1 that are called by the engine: they are named after their text.
select oid, proname
from pg_proc
where pronamespace = $1::text::regnamespace and proname ~ '_[0-9a-f]{16}$'
order by oid
