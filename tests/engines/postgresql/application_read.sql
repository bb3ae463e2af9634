-- What nobody else may read.
select * from penstock.:table
