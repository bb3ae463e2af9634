-- What the transaction has read it sees as it was, and no row of it may be thrown away.
select count(*) from store
