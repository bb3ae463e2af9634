-- Begins, and never ends.
create table next_note (job integer primary key, note text not null);

create table next_count as
with recursive number (n) as (select 1 union all select n + 1 from number)
select count(*) as n from number;
