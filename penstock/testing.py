"""For the tests of code that uses Penstock: one job run inline, or a whole Penstock in memory with a clock to move."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar, overload

import msgspec

from penstock.app import Penstock
from penstock.app.pushing import job_of
from penstock.clock import ManualClock
from penstock.commands.http import HttpCommand
from penstock.engine import Engine, Pushed
from penstock.engines.memory import MemoryEngine
from penstock.errors import JobFailed, UnknownJob, nearest
from penstock.events import Event, Kind
from penstock.handler import Context, Handler, Registry
from penstock.job import CALLBACK_TYPE, JobId, NewJob, Progress
from penstock.job import Job as StoredJob
from penstock.job_class import Job, JobHandler, handlers_of, options_of
from penstock.job_class.params import made_of, names_of
from penstock.policy import Policy
from penstock.queue import Pushable, Queue
from penstock.runner.runjobs import Limits, Reached
from penstock.serialization import JSON, JSONObject, check, decode, encode
from penstock.settings import Settings, StoreSettings

MOST = 10_000  # jobs of one run: more come of jobs that push each other for ever

# What commands that are not carried out are taken to have brought back.
ANSWERS: Mapping[str, JSON] = {
    "http": {"status": 200, "headers": {}, "body": "", "truncated": False},
    "exec": {"exit_code": 0, "output": "", "truncated": False},
}

J = TypeVar("J", bound=Job)


class MakesJobs(Protocol):
    """A job function."""

    @property
    def job(self) -> type[Job]:
        """The class of its jobs."""
        ...


async def run_job(
    job: Pushable,
    *,
    jobs: object = (),
    attempt: int = 1,
    max_attempts: int | None = None,
    cancelled: bool = False,
    reports: list[Progress] | None = None,
) -> JSON:
    """What the job's handler returns, as it would be kept; what the handler raises is raised.

    The handler runs here and now, checked as at a push, with a real Context: this attempt of so many, cancelled already
    or not. Its progress is added to `reports`. `jobs` are the handlers of what is no typed job, as Penstock takes them.
    False is a failure: JobFailed.
    """
    handler = _handler_of(job_of(job), handlers_of(jobs))
    stored = await _claimed(job, attempt, max_attempts)
    context = Context(
        job=stored,
        params=_params(stored.params),
        idempotency_key=f"test-{stored.id}",
        reported=None if reports is None else reports.append,
    )
    if cancelled:
        context.cancelled.set()
    handler.check(context.params)
    result = await handler.run(context)
    if result is False:
        raise JobFailed("the handler returned False")
    check(result, field="result")
    return decode(encode(result))


class MemoryPenstock(Penstock):
    """A Penstock whose stores are in memory, and whose time stands still until `clock.tick(…)` moves it.

    It looks at no file and no environment. http and exec commands are checked as always but not carried out, nor are
    callbacks to URLs, unless their type is in `really`. With `settings`, all but its stores counts.
    """

    def __init__(
        self,
        jobs: object = (),
        *,
        settings: Settings | None = None,
        really: Collection[str] = (),
        now: datetime | None = None,
    ) -> None:
        self.clock = ManualClock(now or datetime.now(UTC))
        self._really = frozenset(really)
        self._stored: list[NewJob] = []
        super().__init__(_in_memory(settings or Settings()), jobs)

    async def run(self) -> list[StoredJob]:
        """All that is due has run, and all that came of it; answers the jobs in the order in which they ran.

        A job that failed and will be tried again is there once for each time: tick the clock, and run again.
        RuntimeError where there is no end to it.
        """
        return await self._edge.carry(self._run)

    @overload
    def pushed(self, kind: type[J]) -> list[J]: ...

    @overload
    def pushed(self, kind: MakesJobs) -> list[Job]: ...

    @overload
    def pushed(self, kind: str) -> list[JSONObject]: ...

    def pushed(self, kind: type[J] | MakesJobs | str) -> Sequence[object]:
        """The jobs of a class, of a job function, or the params of a type, that pushes have stored, in their order."""
        return _Kind(kind).of(self._stored)

    def assert_pushed(self, kind: type[Job] | MakesJobs | str, /, **fields: object) -> None:
        """A job of this kind with these fields was pushed; else AssertionError, saying what was."""
        wanted = _Kind(kind)
        found = wanted.of(self._stored)
        if wanted.matching(found, fields):
            return
        if found:
            told = f"pushed were: {', '.join(map(repr, found))}"
        else:
            types = sorted({job.queue.type for job in self._stored})
            told = f"pushed were jobs of the types: {', '.join(types) or 'none'}"
        raise AssertionError(f"no {wanted.shown(fields)} was pushed; {told}")

    def assert_not_pushed(self, kind: type[Job] | MakesJobs | str, /, **fields: object) -> None:
        """No job of this kind with these fields was pushed; else AssertionError, showing those that were."""
        wanted = _Kind(kind)
        matching = wanted.matching(wanted.of(self._stored), fields)
        if matching:
            told = ", ".join(map(repr, matching))
            raise AssertionError(f"{wanted.shown(fields)} was pushed: {told}")

    def build_engine(self, name: str, store: StoreSettings) -> Engine:
        """A store in memory that goes by our clock."""
        return _Recorded(store.number, self.clock, self._stored)

    def build_registry(self, http: HttpCommand) -> Registry:
        """The handlers, with those of commands kept from the world."""
        registry = super().build_registry(http)
        for type in {*ANSWERS, CALLBACK_TYPE} - self._really - self._handlers.keys():
            registry.register(type, _Kept(type, registry.handler(type)))
        return registry

    async def _run(self) -> list[StoredJob]:
        claimed: list[JobId] = []

        def note(event: Event) -> None:
            if event.kind is Kind.CLAIMED:
                claimed.append(event.id)

        stop = self.events.listen(note)
        try:
            await self.make_ready()
            run = await self.run_jobs(Limits(maxjobs=MOST), lambda line: None).run()
        finally:
            stop()
        if run.error is not None:
            raise run.error
        if run.reached is Reached.JOB_LIMIT:
            raise RuntimeError(f"{MOST} jobs have run and there are more: does one push itself?")
        found: list[StoredJob] = []
        for id in claimed:
            with suppress(UnknownJob):  # its type keeps no jobs that are done
                found.append(await self.inspection.job(id))
        return found


class _Recorded(MemoryEngine):
    """A store in memory that notes what pushes have stored."""

    def __init__(self, number: int, clock: ManualClock, stored: list[NewJob]) -> None:
        super().__init__(number=number, clock=clock)
        self._noted = stored

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs, and note those that are new."""
        answers = await super().push(jobs)
        for job, answer in zip(jobs, answers, strict=True):
            if not (answer.deduplicated or answer.replayed or answer.conflict):
                self._noted.append(job)
        return answers


class _Kept:
    """A command that is checked as always, and then not carried out; a callback that runs another job is."""

    def __init__(self, type: str, real: Handler) -> None:
        self._type = type
        self._real = real

    def check(self, params: JSONObject) -> None:
        """As the real one does."""
        self._real.check(params)

    def timeout(self, params: JSONObject) -> timedelta | None:
        """As the real one has it."""
        return self._real.timeout(params)

    async def run(self, context: Context) -> JSON:
        """What a command that went well could have brought back."""
        command = context.params.get("command")
        if self._type != CALLBACK_TYPE:
            return ANSWERS[self._type]
        if isinstance(command, Mapping) and command.get("type") == "http":
            return ANSWERS["http"]
        return await self._real.run(context)


class _Kind:
    """Which jobs are meant: those of a class, of a job function, or of a type."""

    def __init__(self, kind: type[Job] | MakesJobs | str) -> None:
        self._class = kind if isinstance(kind, type | str) else kind.job

    def of(self, stored: Sequence[NewJob]) -> list[object]:
        """The jobs that are meant, as instances of their class; of a type only their params."""
        if isinstance(self._class, str):
            return [_params(job.params) for job in stored if job.queue.type == self._class]
        type = options_of(self._class).type
        return [
            made_of(_params(job.params), self._class) for job in stored if job.queue.type == type
        ]

    def matching(self, jobs: Sequence[object], fields: Mapping[str, object]) -> list[object]:
        """Those that have these fields; TypeError for a field that the class has not."""
        self._refuse_unknown(fields)
        return [job for job in jobs if all(self._has(job, *field) for field in fields.items())]

    def shown(self, fields: Mapping[str, object]) -> str:
        """The kind and the fields as one would write them."""
        name = self._class if isinstance(self._class, str) else self._class.__name__
        return f"{name}({', '.join(f'{field}={value!r}' for field, value in fields.items())})"

    def _has(self, job: object, field: str, value: object) -> bool:
        if isinstance(job, Mapping):
            return field in job and job[field] == value
        found: object = getattr(job, field)
        return found == value

    def _refuse_unknown(self, fields: Mapping[str, object]) -> None:
        if isinstance(self._class, str):
            return
        names = names_of(self._class)
        for field in fields:
            if field not in names:
                name = self._class.__name__
                raise TypeError(f"{name} has no field {field!r}; {nearest(field, names)}")


def _in_memory(settings: Settings) -> Settings:
    stores = settings.stores or {"main": StoreSettings(url="memory://")}
    return msgspec.structs.replace(
        settings,
        stores={
            name: _store_in_memory(store) if store.partitions is None else store
            for name, store in stores.items()
        },
    )


def _store_in_memory(store: StoreSettings) -> StoreSettings:
    return StoreSettings(url="memory://", number=store.number, accept_volatile=True)


def _handler_of(job: Pushable, handlers: Mapping[str, Handler]) -> Handler:
    type = job.as_spec().type
    if type in handlers:
        return handlers[type]
    if isinstance(job, Job):
        return JobHandler(job.__class__)
    raise TypeError(f"no handler for type {type!r}; give it: run_job(job, jobs=…)")


async def _claimed(job: Pushable, attempt: int, max_attempts: int | None) -> StoredJob:
    """The job as a store would hand it to a runner for this attempt."""
    engine = MemoryEngine()
    spec = replace(job.as_spec(), delay=None, run_at=None)
    [pushed] = await engine.push([Queue(spec.type, Policy(), engine).stamp(spec)])
    [claim] = await engine.claim_ids([pushed.id], ttl=timedelta(minutes=1), worker="test")
    attempts = max(attempt, max_attempts or claim.job.max_attempts)
    return replace(claim.job, attempt=attempt, fence=attempt, max_attempts=attempts)


def _params(text: str) -> JSONObject:
    params = decode(text)
    return params if isinstance(params, Mapping) else {}
