-- The indexes of schema $1 that are there for speed only.
select relname
from pg_index
join pg_class on pg_class.oid = pg_index.indexrelid
where relnamespace = $1::text::regnamespace and not indisunique
order by relname
