update job set params = '{', details = '{' where id = %s;
