-- A foreign writer left half a text and a broken letter in job :id.
update job
set params = cast(x'7bff' as text),
    details = '{'
where id = :id;
