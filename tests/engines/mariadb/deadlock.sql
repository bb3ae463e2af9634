-- Who has changed a table without transactions, as our sessions do, is no victim of one who has not.
create temporary table edited (id int) engine = memory;
set transaction isolation level read committed;
start transaction;
insert into edited values (1);
update ready set ready_at = ready_at + 1 where id > %s;
