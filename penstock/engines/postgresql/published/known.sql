-- Each field of the object is one of these.
create or replace function known(object jsonb, names text[], place text) returns void language plpgsql as $$
begin
  if object - names <> '{}' then
    perform wrong(
      place || left((select key from jsonb_object_keys(object - names) as key limit 1), 100),
      'is unknown; known: ' || array_to_string(names, ', ')
    );
  end if;
end
$$;
revoke execute on function known(jsonb, text[], text) from public
