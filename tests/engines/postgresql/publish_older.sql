-- An older release has made the function.
update published set number = number - 1, fingerprint = 'older';
create or replace function penstock_push(jobs jsonb)
returns table (id bigint, deduplicated boolean, replayed boolean)
language plpgsql as $$ begin raise exception 'of an older release'; end $$
