-- Somebody else changes the table, and takes his time.
lock table waiting in share update exclusive mode
