"""Penstock: a job queue. A Python library, a runner and an HTTP server over one set of queues.

Each public name is imported when it is first used, so that a process that only pushes loads no HTTP server.
`__init__.pyi` says the same to type checkers.
"""

import importlib

_HOMES = {
    "BadJob": "penstock.errors",
    "Bury": "penstock.errors",
    "Callback": "penstock.job",
    "Cancel": "penstock.errors",
    "Context": "penstock.handler",
    "EngineUnavailable": "penstock.errors",
    "FunctionHandler": "penstock.handler",
    "Handler": "penstock.handler",
    "Job": "penstock.job",
    "JobSpec": "penstock.queue",
    "NotAllowed": "penstock.errors",
    "Penstock": "penstock.app",
    "PenstockError": "penstock.errors",
    "Registry": "penstock.handler",
    "Retry": "penstock.errors",
    "Root": "penstock.job",
    "State": "penstock.job",
    "UnknownType": "penstock.errors",
}

__all__ = [
    "BadJob",
    "Bury",
    "Callback",
    "Cancel",
    "Context",
    "EngineUnavailable",
    "FunctionHandler",
    "Handler",
    "Job",
    "JobSpec",
    "NotAllowed",
    "Penstock",
    "PenstockError",
    "Registry",
    "Retry",
    "Root",
    "State",
    "UnknownType",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
