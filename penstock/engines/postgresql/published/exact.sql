-- The number as Python writes it; null where the two may write it differently.
create or replace function exact(number numeric) returns text language sql immutable as $$
select case
  when scale(number) = 0 then number::text
  when number <> 0 and abs(number) < 0.0001 or abs(number) >= 999999999999999 then null
  else number::float8 || case when number::float8::text not like '%.%' then '.0' else '' end
end
$$;
revoke execute on function exact(numeric) from public
