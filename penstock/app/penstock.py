# long: the whole of what users do with Penstock in Python, to be found in one place
"""Penstock as Python code uses it: everything that a configuration describes, behind one object."""

import contextlib
import inspect
import os
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar, Unpack, overload
from uuid import uuid4

from starlette.types import ASGIApp

from penstock.app import pushing
from penstock.app.building import (
    VERSION,
    configured_types,
    default_store,
    engine_of,
    federation_of,
    kind_of,
    policies_of,
    refuse_unknown_engines,
    registry_of,
    routes_of,
    stamps_of,
    used_as_partitions_only,
)
from penstock.app.edge import Edge
from penstock.app.opening import late_of, open_store
from penstock.app.pushing import PushOptions
from penstock.clock import duration
from penstock.commands.http import HttpCommand
from penstock.engine import Engine, Pushed, Stamp
from penstock.errors import EngineError, WrongState
from penstock.events import Events
from penstock.group import QueueGroup, Store, answers_of
from penstock.handler import Registry
from penstock.inspection import Health, Inspection
from penstock.job import Job, JobId, State, describe_result
from penstock.job_class import Job as JobClass
from penstock.job_class import handlers_of
from penstock.queue import JobSpec, Pushable
from penstock.remote import Remote
from penstock.runner import Runner
from penstock.runner.runjob import Listener, RunJob
from penstock.runner.runjobs import Limits, RunJobs
from penstock.serialization import JSON
from penstock.server import build
from penstock.settings import Settings, StoreSettings, load
from penstock.upkeep import Upkeep

T = TypeVar("T")

Which: TypeAlias = int | Pushed  # a job by its id, or by what its push answered
Wait: TypeAlias = float | timedelta  # seconds, or a timedelta


@dataclass(frozen=True, slots=True)
class _Open:
    group: QueueGroup
    inspection: Inspection
    remote: Remote


class Penstock:
    """Everything that a configuration describes.

    It is open inside `async with`, at that event loop; else from its first use on, in a thread of its own, until
    `close_sync()` or the end of the process. Whatever thread or loop a call comes from, it is answered from there:
    coroutines await the methods, code without a loop calls `push_sync`, or `sync` for anything else.

    `jobs` are what this process can run: a module, a job class, a list of them, a mapping of type to handler, a
    Registry. A process that only pushes needs none.
    """

    def __init__(
        self,
        settings: Settings,
        jobs: object = (),
        *,
        worker: str | None = None,
    ) -> None:
        self.events = Events()
        self.health = Health()
        self._handlers = handlers_of(jobs)
        self._edge = Edge(self._open_here, self.stop_waiting, self._close_here)
        self.settings = settings
        self._engines: Mapping[str, Engine] = {}
        self._process = os.getpid()
        self._opened: _Open | None = None
        self.configure(settings, worker=worker)

    @classmethod
    def from_config(cls, path: str | Path | None = None, jobs: object = ()) -> Self:
        """As the file and the environment say; without a file as the environment says."""
        return cls(load(Path(path) if path else None, os.environ), jobs)

    def configure(self, settings: Settings, *, worker: str | None = None) -> None:
        """It will be opened with these settings, and work under this name; RuntimeError while it is open."""
        if self._opened is not None:
            raise RuntimeError("Penstock is open; change its settings before")
        refuse_unknown_engines(settings)
        if settings.stores != self.settings.stores:
            self._engines = {}
        self.settings = settings
        self._name = worker
        self.worker = worker or _some_name()
        self._http = HttpCommand(settings.commands.http, version=VERSION)
        self.registry = self.build_registry(self._http)
        self.policies = policies_of(settings)

    # pushing

    @overload
    async def push(self, job: Pushable, **options: Unpack[PushOptions]) -> Pushed: ...

    @overload
    async def push(
        self, job: Iterable[Pushable], **options: Unpack[PushOptions]
    ) -> list[Pushed]: ...

    async def push(
        self, job: Pushable | Iterable[Pushable], **options: Unpack[PushOptions]
    ) -> Pushed | list[Pushed]:
        """The job is stored, or all of many are; answered once that is durable, many in their order.

        Options count for each job, instead of its own: `delay` and `timeout` in seconds or as timedelta, `run_at`,
        `priority`, `domain`, `context`, `dedupe`, `root`, `max_attempts`, `callbacks` ({"done": command, "failed":
        command}, told of in signed events), `callback_done` (a command, run as it stands), `idempotency_key`. A
        command is a job, or `{"type": …}` with its params. Any type may be pushed: another process may run it.

        All jobs are checked first: BadJob, with every wrong field named, or NotAllowed leave nothing stored. KeyReused
        where the key was used for something else. EngineUnavailable where nothing is known to have happened.
        """
        return await self._push(job, options)

    @overload
    def push_sync(self, job: Pushable, **options: Unpack[PushOptions]) -> Pushed: ...

    @overload
    def push_sync(
        self, job: Iterable[Pushable], **options: Unpack[PushOptions]
    ) -> list[Pushed]: ...

    def push_sync(
        self, job: Pushable | Iterable[Pushable], **options: Unpack[PushOptions]
    ) -> Pushed | list[Pushed]:
        """`push`, for code without an event loop: scripts, threads, Django, Flask."""
        return self.sync(lambda: self._push(job, options))

    def sync(self, make: Callable[[], Awaitable[T]]) -> T:
        """What the awaitable that `make` makes comes to, for code without an event loop.

        `penstock.sync(lambda: penstock.result(id, wait=10))`. RuntimeError in the thread of the loop where it is open:
        that would wait for itself.
        """
        _refuse_no_function(make)
        return self._edge.wait_for(make)

    def close_sync(self) -> None:
        """What was opened by its use, not by `async with`, is closed; the next use opens it again. Twice is fine."""
        self._edge.end()

    # what became of it

    async def job(self, job: Which) -> Job:
        """The job as it stands; UnknownJob where there is none."""
        return await self._edge.carry(lambda: self.inspection.job(_id(job)))

    async def wait(self, job: Which, *, timeout: Wait) -> Job:
        """The job once it has ended, whatever process runs it, or as it stands when the time is up."""
        limit = duration(timeout, name="timeout")
        return await self._edge.carry(lambda: self.inspection.ended(_id(job), limit))

    async def result(self, job: Which, *, wait: Wait = 0) -> JSON:
        """What the done job's handler returned, after waiting so long for it; WrongState where it is not done."""
        limit = duration(wait, name="wait")
        found = await self._edge.carry(lambda: self.inspection.ended(_id(job), limit))
        if found.state is State.DONE:
            return describe_result(found.result)
        error = f": {found.error}" if found.error else ""
        raise WrongState(f"job {found.id} is {found.state}{error}; only a done job has a result")

    async def cancel(self, job: Which) -> Job:
        """The job, cancelled, or asked to stop where it runs; WrongState where it had ended."""
        return await self._edge.carry(lambda: self.inspection.cancel(_id(job)))

    async def retry(self, job: Which) -> Job:
        """The dead job, ready again; WrongState in any other state."""
        return await self._edge.carry(lambda: self.inspection.requeue(_id(job)))

    # while it is open

    @property
    def group(self) -> QueueGroup:
        """All queues; only while open."""
        return self._present.group

    @property
    def inspection(self) -> Inspection:
        """What can be seen and done; only while open."""
        return self._present.inspection

    @property
    def remote(self) -> Remote:
        """What remote workers can do; only while open."""
        return self._present.remote

    async def open(self) -> None:
        """Every store is reached from this event loop, at its schema, and safe enough for what is configured."""
        await self._edge.enter()

    async def close(self) -> None:
        """Nothing is held any more; what others asked for until now has been answered."""
        await self._edge.leave()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def stop_waiting(self) -> None:
        """Whoever waits for the end of a job, or for jobs, is answered now: the process is to stop."""
        if self._opened is not None:
            self._opened.inspection.stop_waiting()
            self._opened.remote.stop_waiting()

    async def forget(self, worker: str) -> None:
        """The worker is known to be dead: what it held is taken back at once, as far as its stores are reachable."""
        for store in self.group.stores.values():
            with contextlib.suppress(EngineError):
                await store.engine.forget(worker)

    def runner(
        self, *, types: Collection[str] | None = None, domains: Collection[str] | None = None
    ) -> Runner:
        """A runner over all stores."""
        return Runner(
            self.group,
            self.health,
            worker=self.worker,
            slots=self.settings.runner.slots,
            grace=timedelta(seconds=self.settings.runner.grace),
            types=types,
            domains=domains,
        )

    def run_jobs(
        self, limits: Limits, say: Callable[[str], None], *, metadata: bool = True
    ) -> RunJobs:
        """A finite run over all stores."""
        return RunJobs(
            self.group,
            worker=self.worker,
            limits=limits,
            say=say,
            metadata=metadata,
            refresh=self.make_ready,
        )

    def run_job(self, listener: Listener | None = None) -> RunJob:
        """A run of one job, in whatever store it is; the listener hears what it lets out."""
        return RunJob(self.group, self.inspection, worker=self.worker, listener=listener)

    def asgi(self) -> ASGIApp:
        """The HTTP server, to be run by any ASGI server."""
        return build(
            self.group,
            self.inspection,
            self.health,
            self.settings.server,
            VERSION,
            remote=self.remote,
        )

    async def make_ready(self) -> None:
        """All that is due, or was held by a dead worker, is ready: for a run that has no upkeep beside it."""
        upkeep = self.upkeep()

        async def keep(store: Store) -> None:
            for turn in (upkeep.promote, upkeep.reclaim):
                while not await turn(store):
                    continue  # a full batch: there is more

        await answers_of(self.group, self.group.stores.values(), keep)

    def upkeep(self) -> Upkeep:
        """The upkeep of all stores."""
        return Upkeep(self.group, self.health, worker=self.worker)

    # how it is built

    def build_engines(self) -> Mapping[str, Engine]:
        """A new engine for each store that holds jobs itself, to be opened."""
        return {
            name: self.build_engine(name, store)
            for name, store in self.settings.stores.items()
            if store.partitions is None
        }

    async def _open_engines(self) -> None:
        """Those of all stores are open; federations last, as they have those of their partitions."""
        stores = self.settings.stores
        late = used_as_partitions_only(self.settings)
        if not self._engines:
            own = {
                name: late_of(name, stores[name], engine, self._stamps(name))
                if name in late
                else engine
                for name, engine in self.build_engines().items()
            }
            spread = {name: federation_of(stores[name], own) for name in stores.keys() - own.keys()}
            # Kept when it is closed: what lives in memory stays true as long as this object and its process live.
            self._engines = own | spread
        for name, engine in self._engines.items():
            if name in late:
                await engine.open()
            else:
                await open_store(name, stores[name], engine, self._stamps(name))

    def _stamps(self, name: str) -> Sequence[Stamp]:
        return stamps_of(self.settings, self.policies, name)

    def _store(self, name: str, engine: Engine, settings: StoreSettings) -> Store:
        return Store(
            name,
            engine,
            self.policies,
            self.events,
            kind=kind_of(settings),
            partitions=tuple(settings.partitions or ()),
        )

    def build_engine(self, name: str, store: StoreSettings) -> Engine:
        """A new engine for this store, to be opened."""
        return engine_of(name, store)

    def build_registry(self, http: HttpCommand) -> Registry:
        """The handlers of everything that runs here."""
        return registry_of(http, self.settings, self._handlers)

    async def _push(
        self, job: Pushable | Iterable[Pushable], options: PushOptions
    ) -> Pushed | list[Pushed]:
        if isinstance(job, JobSpec | JobClass):  # quick, while looking at a protocol is slow
            return await self._push_one(job, options)
        if isinstance(job, Iterable) and not isinstance(job, Pushable | str | Mapping):
            many = list(job)
            return await self._edge.carry(lambda: pushing.push_many(self.group, many, options))
        return await self._push_one(pushing.job_of(job), options)

    async def _push_one(self, job: Pushable, options: PushOptions) -> Pushed:
        return await self._edge.carry(lambda: pushing.push_one(self.group, job, options))

    @property
    def _present(self) -> _Open:
        if self._opened is None:
            raise RuntimeError("Penstock is not open; use `async with penstock:`")
        return self._opened

    async def _open_here(self) -> None:
        if self._process != os.getpid():
            self._begin_as_a_child()
        await self._open_engines()
        stores = {
            name: self._store(name, self._engines[name], settings)
            for name, settings in self.settings.stores.items()
        }
        group = QueueGroup(
            stores,
            default=default_store(self.settings),
            routes=routes_of(self.settings),
            policies=self.policies,
            registry=self.registry,
            accepts=self._accepts,
        )
        self._opened = _Open(group, Inspection(group), Remote(group))

    async def _close_here(self) -> None:
        self._opened = None
        await self._http.close()
        for engine in self._engines.values():
            await engine.close()

    def _begin_as_a_child(self) -> None:
        """Forked: nothing that the parent has built is used here, and nobody works under its name."""
        self._process = os.getpid()
        self._engines = {}
        self.configure(self.settings, worker=self._name)

    def _accepts(self, type: str) -> bool:
        known = type in configured_types(self.settings)
        return known or self.settings.server.accept_unknown_types


def _refuse_no_function(make: object) -> None:
    if callable(make):
        return
    if inspect.iscoroutine(make):
        make.close()  # else it warns that nobody has awaited it
    raise TypeError("sync takes a function; write `penstock.sync(lambda: penstock.job(17))`")


def _id(job: Which) -> JobId:
    if isinstance(job, Pushed):
        return job.id
    if isinstance(job, bool) or not isinstance(job, int):
        raise TypeError(
            f"{job!r:.50} is no id of a job; give the number, or what its push answered"
        )
    return JobId(job)


def _some_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
