"""Whatever users hand us as their jobs, as handlers by type."""

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import TypeGuard

from penstock.errors import SettingsError
from penstock.handler import FunctionHandler, Handler, Registry
from penstock.job import is_name
from penstock.job_class.declaration import Job, options_of
from penstock.job_class.function import JobFunction
from penstock.job_class.handling import JobHandler

TAKEN = (
    "give a job class, a job function, a list of these, a module of them, a mapping of type to handler or "
    "function of the context, or a Registry"
)


def handlers_of(jobs: object) -> Mapping[str, Handler]:
    """The handlers of these jobs, by type.

    Taken are a job class, a job function, an iterable of these, a module (all classes with a type and all job
    functions in it), a mapping of type to handler, function of the context, job class or job function, and a
    Registry. Raises SettingsError for anything else, and for two different jobs of one type.
    """
    handlers: dict[str, Handler] = {}
    seen: dict[str, object] = {}
    for type, found in _pairs(jobs):
        known = seen.setdefault(type, found)
        if known is not found:
            raise SettingsError(
                f"type {type} is that of {_shown(known)} and of {_shown(found)}; rename one of them"
            )
        if type not in handlers:
            handlers[type] = _handler(type, found)
    return handlers


def _pairs(jobs: object) -> Iterator[tuple[str, object]]:
    """Each job with its type; a job function stands for its class."""
    match jobs:
        case Registry():
            yield from ((type, jobs.handler(type)) for type in jobs.types)
        case ModuleType():
            yield from _of_module(jobs)
        case Mapping():
            yield from (_named(type, found) for type, found in jobs.items())
        case JobFunction() | type():
            yield _typed(jobs)
        case str() | bytes():
            raise SettingsError(f"{jobs!r:.50} holds no jobs; {TAKEN}")
        case Iterable():
            yield from (_typed(one) for one in jobs)
        case _:
            raise SettingsError(f"{_shown(jobs)} holds no jobs; {TAKEN}")


def _of_module(module: ModuleType) -> Iterator[tuple[str, object]]:
    pairs = [
        _typed(found)
        for found in vars(module).values()
        if isinstance(found, JobFunction) or (_is_job_class(found) and options_of(found).type)
    ]
    if not pairs:
        raise SettingsError(
            f"module {module.__name__} holds no jobs; define classes with a type, or functions with @job, in it"
        )
    yield from pairs


def _is_job_class(found: object) -> TypeGuard[type[Job]]:
    return isinstance(found, type) and issubclass(found, Job)


def _typed(found: object) -> tuple[str, object]:
    """A job class with its type."""
    if isinstance(found, JobFunction):
        found = found.job
    if isinstance(found, Job):
        raise SettingsError(f"{found!r:.100} is one job; give its class")
    if not isinstance(found, type) or not issubclass(found, Job):
        raise SettingsError(f"{_shown(found)} is no job; {TAKEN}")
    return options_of(found).type or "", found


def _named(type: object, found: object) -> tuple[str, object]:
    if not isinstance(type, str) or not is_name(type):
        raise SettingsError(f"{type!a:.100} is no name of a type")
    if isinstance(found, JobFunction):
        found = found.job
    own = options_of(found).type if _is_job_class(found) else type
    if own is not None and own != type:
        raise SettingsError(f"{_shown(found)} has the type {own}, not {type}; use its own")
    return type, found


def _handler(type: str, found: object) -> Handler:
    """The handler; a class or a function becomes one."""
    if _is_job_class(found):
        return JobHandler(found)
    if isinstance(found, Handler) and not _is_class(found):
        return found
    if callable(found) and not _is_class(found):
        return FunctionHandler(found)
    raise SettingsError(
        f"{type} is no handler; give a function of the context, a job class, or an object with "
        "check, timeout and run"
    )


def _is_class(found: object) -> bool:
    return isinstance(found, type)


def _shown(found: object) -> str:
    if isinstance(found, type):
        return f"class {found.__qualname__}"
    name = getattr(found, "__qualname__", None)
    return f"function {name}" if name else f"a {type(found).__name__}"
