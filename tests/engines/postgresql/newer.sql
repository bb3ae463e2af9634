-- A later release was here.
insert into migration (number, name) values (9999, '9999_later_needs_9999.sql')
