-- A newer release has made the function.
update published set number = number + 1, fingerprint = 'newer';
create or replace function penstock_push(jobs jsonb)
returns table (id bigint, deduplicated boolean, replayed boolean)
language plpgsql as $$ begin raise exception 'of a newer release'; end $$
