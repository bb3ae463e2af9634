-- Takes away what the release before works with.
drop table if exists presence;
