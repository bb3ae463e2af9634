-- An index is gone. Roots and keys are remembered for ever, so that whoever looks for old ones without it looks at all.
drop index :index;
update root set until = 'infinity';
update idempotency set until = 'infinity';
