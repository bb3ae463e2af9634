-- No later release was here.
delete from migration where number = 9999
