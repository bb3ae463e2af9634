-- A later release was here, and changed nothing that this one would notice.
insert into migration (number, name) values (9999, '9999_later.sql')
