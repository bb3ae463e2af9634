-- Claim those of the named jobs that wait, whatever their queue says.
update moving
set state = 'claimed',
    span = :ttl
