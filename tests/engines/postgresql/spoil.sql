-- A foreign writer left half a text in job $1.
update job set params = '{', details = '{' where id = $1
