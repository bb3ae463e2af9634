start transaction;
select * from ready for update;
