-- This migration is applied.
insert into migration (number, name) values (:number::integer, :name::text)
