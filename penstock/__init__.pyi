"""The public names, as type checkers see them."""

from penstock.app import Penstock as Penstock
from penstock.engine import Pushed as Pushed
from penstock.errors import BadJob as BadJob
from penstock.errors import Bury as Bury
from penstock.errors import Cancel as Cancel
from penstock.errors import EngineUnavailable as EngineUnavailable
from penstock.errors import JobFailed as JobFailed
from penstock.errors import KeyReused as KeyReused
from penstock.errors import NotAllowed as NotAllowed
from penstock.errors import PenstockError as PenstockError
from penstock.errors import Retry as Retry
from penstock.errors import SettingsError as SettingsError
from penstock.errors import UnknownJob as UnknownJob
from penstock.errors import UnknownType as UnknownType
from penstock.errors import WrongState as WrongState
from penstock.handler import Context as Context
from penstock.handler import FunctionHandler as FunctionHandler
from penstock.handler import Handler as Handler
from penstock.handler import Registry as Registry
from penstock.job import Callback as Callback
from penstock.job import Job as StoredJob
from penstock.job import Root as Root
from penstock.job import State as State
from penstock.job_class import Job as Job
from penstock.job_class import JobFunction as JobFunction
from penstock.job_class import handlers_of as handlers_of
from penstock.job_class import job as job
from penstock.queue import JobSpec as JobSpec
from penstock.queue import Pushable as Pushable

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
