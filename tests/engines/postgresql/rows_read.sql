-- How many rows of the tables that grow, in schema $1, the transaction has read so far.
select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint
from pg_stat_xact_user_tables
where schemaname = $1
  and relname in ('job', 'waiting', 'claimed', 'finished', 'root', 'idempotency', 'queue')
