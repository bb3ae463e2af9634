-- Nobody else writes a job until the end of the transaction.
lock table job in exclusive mode
