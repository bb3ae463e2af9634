"""The public names, as type checkers see them."""

from penstock.app import Penstock as Penstock
from penstock.errors import BadJob as BadJob
from penstock.errors import Bury as Bury
from penstock.errors import Cancel as Cancel
from penstock.errors import EngineUnavailable as EngineUnavailable
from penstock.errors import NotAllowed as NotAllowed
from penstock.errors import PenstockError as PenstockError
from penstock.errors import Retry as Retry
from penstock.errors import UnknownType as UnknownType
from penstock.handler import Context as Context
from penstock.handler import FunctionHandler as FunctionHandler
from penstock.handler import Handler as Handler
from penstock.handler import Registry as Registry
from penstock.job import Callback as Callback
from penstock.job import Job as Job
from penstock.job import Root as Root
from penstock.job import State as State
from penstock.queue import JobSpec as JobSpec

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
