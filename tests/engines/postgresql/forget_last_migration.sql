-- The last step of the schema, which can be repeated, is still to be taken.
delete from migration
where number = (select max(number) from migration)
