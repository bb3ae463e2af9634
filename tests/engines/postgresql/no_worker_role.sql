drop owned by working_only;
drop role working_only
