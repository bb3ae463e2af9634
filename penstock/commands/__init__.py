"""The handlers that every installation has: http and exec commands, and the callbacks of jobs."""
