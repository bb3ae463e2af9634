-- How a database of this name is made; the server takes no name as a value.
select format('create database %I template template0 encoding %L', $1::text, 'UTF8')
