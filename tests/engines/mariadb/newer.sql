insert into migration (number, name, applied_at) values (9999, '9999_later_needs_9999.sql', 0);
