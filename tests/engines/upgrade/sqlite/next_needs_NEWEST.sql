-- Takes away what the release before works with.
drop table presence;
