-- The caller's transaction is told which field is wrong.
create or replace function wrong(field text, detail text) returns void language plpgsql as $$
begin
  raise exception using errcode = 'invalid_parameter_value', message = field || ': ' || detail;
end
$$;
revoke execute on function wrong(text, text) from public
