select * from ready where id = %s for update;
commit;
