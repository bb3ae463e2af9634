-- The user is gone.
do $$
begin
  if to_regrole('penstock_application') is not null then
    drop owned by penstock_application;
    drop role penstock_application;
  end if;
end
$$
