select concat('kill ', id) from information_schema.processlist where db = database() and id <> connection_id();
