-- The key as it was told, beside its digest: whoever copies a waiting job to another store needs it there. Unknown of
-- jobs that an older release has pushed.
alter table twin add column if not exists told mediumtext;
