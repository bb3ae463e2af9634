-- The statistics of every table and index of schema $1 say something else, and nothing of it is true: the variant is $2.
update pg_class
set relpages = (array[1, 1, 100000])[lie % 3 + 1],
  reltuples = (array[0, 100, 100000000])[lie / 3 % 3 + 1]
from (
  select oid, ('x' || left(md5(relname || $2::text), 4))::bit(16)::integer as lie
  from pg_class
  where relnamespace = $1::text::regnamespace and relkind in ('r', 'i')
) as told
where told.oid = pg_class.oid
