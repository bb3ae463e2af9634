start transaction;
select count(*) from job;
