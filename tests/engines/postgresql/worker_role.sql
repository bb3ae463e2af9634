-- A user that works in the store and may make nothing in it.
create role working_only login;
grant usage on schema restricted to working_only;
grant select, insert, update, delete on all tables in schema restricted to working_only;
grant usage, select, update on all sequences in schema restricted to working_only
