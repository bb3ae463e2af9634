-- A user who may push, and nothing else of ours.
create role penstock_application login password 'application';
grant usage on schema penstock to penstock_application;
grant execute on function penstock.penstock_push(jsonb) to penstock_application
