select count from information_schema.innodb_metrics where name = %s;
