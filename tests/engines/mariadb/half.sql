delete from migration;
delete from store;
drop table presence;
drop table wake;
