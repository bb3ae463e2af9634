-- How a database of this name is removed, with whoever is still connected to it.
select format('drop database if exists %I with (force)', $1::text)
