"""Typed jobs: a class or a function that says what a job needs, how it is pushed and how it is run."""

from penstock.job_class.declaration import Job, Options, options_of
from penstock.job_class.function import JobFunction, job
from penstock.job_class.handling import JobHandler, found_at
from penstock.job_class.registering import handlers_of

__all__ = [
    "Job",
    "JobFunction",
    "JobHandler",
    "Options",
    "found_at",
    "handlers_of",
    "job",
    "options_of",
]
