-- The keys of a store in the order of keys.py. One that ends in a colon is a family: the script
-- appends what tells its members apart, so that every key bears the one hash tag of its store.
local STORE, QUEUES, PAUSED, DUE, HELD, KEPT,
  JOB, JOBS, DEDUPE, ROOT, IDEMPOTENCY, TALLY, OPEN, WORKERS, PRESENCES, WAKE = unpack(KEYS)
