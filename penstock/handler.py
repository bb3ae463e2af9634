"""What runs a job: handlers, what they are given, and where they are registered."""

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeAlias, runtime_checkable

from penstock.errors import FieldError, UnknownType
from penstock.job import Job, Progress
from penstock.serialization import JSON, JSONObject

MAX_MESSAGE = 1000  # characters of a progress message

Answer: TypeAlias = "JSON | Awaitable[JSON]"


class JobLog(logging.LoggerAdapter[logging.Logger]):
    """Writes lines about one job."""

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        """The line, with the job before it."""
        job = self.extra or {}
        kwargs["extra"] = {**job, **kwargs.get("extra", {})}
        return f"job {job['job_id']} ({job['job_type']}) {msg}", kwargs


class Processes(Protocol):
    """Where handlers run that keep a processor busy."""

    async def run(self, place: str, context: "Context") -> JSON:
        """The result of the job class at `module:name`, run in a process of its own; or its JobFailed."""
        ...


@dataclass(slots=True, kw_only=True)
class Context:
    """What a handler knows of the job that it runs.

    `cancelled` is set when the job shall end: cancelled by somebody, out of time, or its runner stops. Async code is
    cancelled as well; code that blocks looks at `cancelled.is_set()` from time to time.
    """

    job: Job
    params: JSONObject
    idempotency_key: (
        str  # "<store uuid>-<job id>": the same over all attempts, never that of another store
    )
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress | None = None
    reported: Callable[[Progress], None] | None = None  # hears each progress at once
    wrote: Callable[[bytes], None] | None = None  # hears what its program writes, in any thread
    processes: Processes | None = None  # where handlers that are bound to a processor run
    threads: Executor | None = None  # where handlers that block run
    thread: "asyncio.Future[Answer] | None" = None  # cannot be killed; keeps its slot until it ends

    @property
    def attempt(self) -> int:
        """Which attempt this is: 1 for the first."""
        return self.job.attempt

    @property
    def fence(self) -> int:
        """A number that rises with every claim of this job: give it to what must refuse a late writer."""
        return self.job.fence

    @property
    def log(self) -> "JobLog":
        """A logger whose lines begin with the job's id and type, and whose records carry both."""
        extra = {"job_id": self.job.id, "job_type": self.job.type}
        return JobLog(logging.getLogger("penstock.job"), extra)

    def report(self, percent: float, message: str = "") -> None:
        """Let the next sign of life to the store carry this progress.

        What no store could keep is made to fit: percent into 0 to 100, the message into whole
        characters, at most 1000. Progress is a hint, and no reason to fail. May be called from any
        thread, and where the job runs in a process of its own.
        """
        kept = message[:MAX_MESSAGE].replace("\0", "").encode("utf-8", "replace").decode()
        self.progress = progress = Progress(percent=_percent(percent), message=kept)
        if self.reported is not None:
            self.reported(progress)


@runtime_checkable
class Handler(Protocol):
    """The code that runs the jobs of one type.

    `run` raises JobFailed or any exception where the job failed, and answers a JSON value, the job's result; False is
    a failure too, as the classic has it.
    """

    def check(self, params: JSONObject) -> None:
        """Nothing, if a job with these params may be pushed; else BadJob or NotAllowed.

        Called at the push and at each run.
        """
        ...

    def timeout(self, params: JSONObject) -> timedelta | None:
        """How long a job with these params may run; None: as its policy says."""
        ...

    async def run(self, context: Context) -> JSON:
        """Do the work."""
        ...


class FunctionHandler:
    """A handler made of a function of the context; one that blocks runs in a thread.

    A thread cannot be killed: after its timeout the job has failed, while the function goes on until it returns.
    """

    def __init__(
        self,
        function: Callable[[Context], Answer],
        *,
        timeout: timedelta | None = None,
    ) -> None:
        self._function = function
        self._blocks = not is_async(function)
        self._timeout = timeout

    def check(self, params: JSONObject) -> None:
        """Any params may be pushed."""

    def timeout(self, params: JSONObject) -> timedelta | None:
        """The function's own timeout."""
        return self._timeout

    async def run(self, context: Context) -> JSON:
        """The function's answer."""
        if not self._blocks:
            return await _awaited(self._function(context))
        loop = asyncio.get_running_loop()
        call = contextvars.copy_context().run
        thread = loop.run_in_executor(context.threads, call, self._call, context)
        context.thread = thread
        thread.add_done_callback(_seen)
        return await _awaited(await asyncio.shield(thread))

    def _call(self, context: Context) -> Answer:
        try:
            return self._function(context)
        except StopIteration as error:
            # A future refuses this exception and would never end.
            raise RuntimeError("the handler raised StopIteration") from error


class Registry:
    """Which handler runs which type: an object, never global."""

    def __init__(self, handlers: Mapping[str, Handler] | None = None) -> None:
        self._handlers = dict(handlers or {})

    @property
    def types(self) -> Collection[str]:
        """The types that have a handler here, sorted."""
        return sorted(self._handlers)

    def register(self, type: str, handler: Handler) -> None:
        """Run jobs of this type with this handler, instead of any before."""
        self._handlers[type] = handler

    def find(self, type: str) -> Handler | None:
        """The handler of this type, if there is one here."""
        return self._handlers.get(type)

    def handler(self, type: str) -> Handler:
        """The handler of this type; UnknownType, naming those there are, where there is none."""
        found = self._handlers.get(type)
        if found is None:
            known = ", ".join(self.types) or "none"
            raise UnknownType(
                [FieldError("type", f"no handler for type {type[:100]!r}; known: {known}")]
            )
        return found


def _percent(value: float) -> float:
    return min(max(0.0, value), 100.0)  # in this order, NaN becomes 0


def is_async(function: Callable[..., Answer]) -> bool:
    """Whether a call of it answers at once with something to await."""
    return any(inspect.iscoroutinefunction(one) for one in (function, type(function).__call__))


def _seen(thread: "asyncio.Future[Answer]") -> None:
    """A thread that outlived its job may fail unheard."""
    if not thread.cancelled():
        thread.exception()


async def _awaited(value: Answer) -> JSON:
    answer = await value if inspect.isawaitable(value) else value
    _refuse_unrun(answer)
    return answer


def _refuse_unrun(answer: object) -> None:
    if inspect.isgenerator(answer) or inspect.isasyncgen(answer):
        raise TypeError("there is a `yield` in the handler, so nothing of it has run; remove it")
