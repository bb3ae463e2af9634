"""Penstock: a job queue. A Python library, a runner and an HTTP server over one set of queues."""
