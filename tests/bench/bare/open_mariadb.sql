select count(*) from information_schema.innodb_trx
