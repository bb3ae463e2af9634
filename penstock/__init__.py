"""Penstock: a job queue. A Python library, a runner and an HTTP server over one set of queues.

Each public name is imported when it is first used, so that a process that only pushes loads no HTTP server.
`__init__.pyi` says the same to type checkers.
"""

import importlib
import sys
from types import ModuleType

_HOMES = {
    "BadJob": "penstock.errors",
    "Bury": "penstock.errors",
    "Callback": "penstock.job",
    "Cancel": "penstock.errors",
    "Context": "penstock.handler",
    "EngineUnavailable": "penstock.errors",
    "FunctionHandler": "penstock.handler",
    "Handler": "penstock.handler",
    "Job": "penstock.job_class",
    "JobFailed": "penstock.errors",
    "JobFunction": "penstock.job_class",
    "JobSpec": "penstock.queue",
    "KeyReused": "penstock.errors",
    "NotAllowed": "penstock.errors",
    "Penstock": "penstock.app",
    "PenstockError": "penstock.errors",
    "Pushable": "penstock.queue",
    "Pushed": "penstock.engine",
    "Registry": "penstock.handler",
    "Retry": "penstock.errors",
    "Root": "penstock.job",
    "SettingsError": "penstock.errors",
    "State": "penstock.job",
    "StoredJob": "penstock.job",
    "UnknownJob": "penstock.errors",
    "UnknownType": "penstock.errors",
    "WrongState": "penstock.errors",
    "handlers_of": "penstock.job_class",
    "job": "penstock.job_class",
}

# Names that differ from those at home.
_NAMES_AT_HOME = {"StoredJob": "Job"}

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
    "JobFailed",
    "JobFunction",
    "JobSpec",
    "KeyReused",
    "NotAllowed",
    "Penstock",
    "PenstockError",
    "Pushable",
    "Pushed",
    "Registry",
    "Retry",
    "Root",
    "SettingsError",
    "State",
    "StoredJob",
    "UnknownJob",
    "UnknownType",
    "WrongState",
    "handlers_of",
    "job",
]


class _Package(ModuleType):
    """The package; a module inside that is called as a public name does not take its place."""

    def __setattr__(self, name: str, value: object) -> None:
        # Python binds each module that it imports to its package: penstock.job would hide the decorator.
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), _NAMES_AT_HOME.get(name, name))


def __dir__() -> list[str]:
    return __all__
