insert into migration (number, name, applied_at) values (9999, '9999_later.sql', 0);
