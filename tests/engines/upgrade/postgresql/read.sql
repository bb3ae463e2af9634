-- As a transaction does that has read jobs and goes on.
lock table penstock.job in access share mode
