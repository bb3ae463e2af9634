-- One job is committed, one rolled back; of two in one transaction the second goes with its savepoint.
begin;
select * from penstock.penstock_push('{"type": "note", "params": {"word": "committed"}}');
commit;
begin;
select * from penstock.penstock_push('{"type": "note", "params": {"word": "rolled back"}}');
rollback;
begin;
select * from penstock.penstock_push('{"type": "note", "params": {"word": "kept"}}');
savepoint here;
select * from penstock.penstock_push('{"type": "note", "params": {"word": "lost"}}');
rollback to savepoint here;
commit;
