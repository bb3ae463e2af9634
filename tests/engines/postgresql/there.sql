-- Whether there is a schema of this name.
select to_regnamespace($1) is not null
