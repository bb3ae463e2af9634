"""The composition root: the only place that builds everything."""

import contextlib
import os
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from starlette.types import ASGIApp

from penstock.commands.callback import CallbackCommand
from penstock.commands.exec import ExecCommand
from penstock.commands.http import HttpCommand
from penstock.engine import Engine, Feature, Pushed
from penstock.errors import EngineError, SettingsError
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import Handler, Registry
from penstock.inspection import Health, Inspection
from penstock.job import CALLBACK_TYPE
from penstock.policy import CALLBACK_POLICY, Exponential, Policies, Policy, Steps
from penstock.queue import JobSpec
from penstock.runner import Runner
from penstock.runner.runjobs import Limits, RunJobs
from penstock.server import build
from penstock.settings import QueueSettings, Settings, StoreSettings, load, nearest
from penstock.upkeep import Upkeep

VERSION = version("penstock")
ENGINES = "penstock.engines"
HANDLERS = "penstock.handlers"


class Penstock:
    """Everything that a configuration describes; open inside `async with`."""

    def __init__(
        self,
        settings: Settings,
        handlers: Mapping[str, Handler] | None = None,
        *,
        worker: str | None = None,
    ) -> None:
        self.settings = settings
        self.events = Events()
        self.health = Health()
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._http = HttpCommand(settings.commands.http, version=VERSION)
        self.registry = _registry(self._http, settings, handlers or {})
        self.policies = _policies(settings)
        self._engines = {name: _engine(name, store) for name, store in settings.stores.items()}
        self._group: QueueGroup | None = None
        self._inspection: Inspection | None = None

    @classmethod
    def from_config(
        cls, path: str | Path | None = None, handlers: Mapping[str, Handler] | None = None
    ) -> Self:
        """As the file and the environment say."""
        return cls(load(Path(path) if path else None, os.environ), handlers)

    @property
    def group(self) -> QueueGroup:
        """All queues; only while open."""
        if self._group is None:
            raise RuntimeError("Penstock is not open; use `async with penstock:`")
        return self._group

    @property
    def inspection(self) -> Inspection:
        """What can be seen and done; only while open."""
        if self._inspection is None:
            raise RuntimeError("Penstock is not open; use `async with penstock:`")
        return self._inspection

    async def open(self) -> None:
        """Every store is reached, at its schema, and safe enough for what is configured."""
        if self._group is not None:
            return
        for name, engine in self._engines.items():
            await engine.open()
            _refuse_volatile(name, self.settings.stores[name], engine)
        self._group = QueueGroup(
            {
                name: Store(name, engine, self.policies, self.events)
                for name, engine in self._engines.items()
            },
            default=_default_store(self.settings),
            routes={
                type: queue.store for type, queue in self.settings.queues.items() if queue.store
            },
            policies=self.policies,
            registry=self.registry,
            accepts=self._accepts,
        )
        self._inspection = Inspection(self._group)

    async def close(self) -> None:
        """Nothing is held any more."""
        self._group = self._inspection = None
        await self._http.close()
        for engine in self._engines.values():
            await engine.close()

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def forget(self, worker: str) -> None:
        """The worker is known to be dead: what it held is taken back at once, as far as its stores are reachable."""
        for store in self.group.stores.values():
            with contextlib.suppress(EngineError):
                await store.engine.forget(worker)

    async def push(self, *jobs: JobSpec) -> Sequence[Pushed]:
        """The jobs are stored, and answered in their places."""
        return await self.group.push(jobs)

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

    def asgi(self) -> ASGIApp:
        """The HTTP server, to be run by any ASGI server."""
        return build(self.group, self.inspection, self.health, self.settings.server, VERSION)

    async def make_ready(self) -> None:
        """All that is due, or was held by a dead worker, is ready: for a run that has no upkeep beside it."""
        upkeep = self.upkeep()
        for store in self.group.stores.values():
            for turn in (upkeep.promote, upkeep.reclaim):
                while not await turn(store):
                    continue  # a full batch: there is more

    def upkeep(self) -> Upkeep:
        """The upkeep of all stores."""
        return Upkeep(self.group, self.health, worker=self.worker)

    def _accepts(self, type: str) -> bool:
        configured = type in self.settings.queues and type not in {"default", CALLBACK_TYPE}
        return configured or self.settings.server.accept_unknown_types


def engine_kinds() -> Mapping[str, EntryPoint]:
    """The installed engines by the scheme of their URLs."""
    return {entry.name: entry for entry in entry_points(group=ENGINES)}


def _engine(name: str, store: StoreSettings) -> Engine:
    scheme = store.url.partition(":")[0]
    kinds = engine_kinds()
    if scheme not in kinds:
        raise SettingsError(
            f"[stores.{name}] url: no engine for {scheme[:20]!a}; {nearest(scheme, kinds)}"
        )
    engine: Engine = _kind(name, kinds[scheme])(store.url, number=store.number)
    return engine


def _kind(name: str, kind: EntryPoint) -> Callable[..., Engine]:
    try:
        made: Callable[..., Engine] = kind.load()
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"[stores.{name}] url: {kind.name} needs {error.name}, which is not installed; "
            f"install penstock[{kind.name}]"
        ) from error
    return made


def _refuse_volatile(name: str, store: StoreSettings, engine: Engine) -> None:
    if Feature.DURABLE not in engine.features and not store.accept_volatile:
        raise SettingsError(
            f"store {name} can lose jobs that it has answered; "
            f"if that is wanted add to [stores.{name}]: accept_volatile = true"
        )


def _registry(http: HttpCommand, settings: Settings, handlers: Mapping[str, Handler]) -> Registry:
    registry = Registry({"http": http, "exec": ExecCommand(settings.commands.exec)})
    registry.register(CALLBACK_TYPE, CallbackCommand(http, registry, settings.callbacks))
    for entry in entry_points(group=HANDLERS):
        registry.register(entry.name, entry.load()())
    for type, handler in handlers.items():
        registry.register(type, handler)
    return registry


def _policies(settings: Settings) -> Policies:
    default = _policy(settings.queues.get("default", QueueSettings()), Policy())
    by_type = {
        type: _policy(queue, CALLBACK_POLICY if type == CALLBACK_TYPE else default)
        for type, queue in settings.queues.items()
        if type != "default"
    }
    return Policies(default, by_type)


def _policy(queue: QueueSettings, below: Policy) -> Policy:
    """The policy of the section, with what it leaves out from below."""
    return Policy(
        ttl=_seconds(queue.ttl, below.ttl),
        max_attempts=queue.max_attempts or below.max_attempts,
        backoff=_backoff(queue, below.backoff),
        timeout=_seconds(queue.timeout, below.timeout),
        order=queue.order or below.order,
        keep_done=_seconds(queue.keep_done, below.keep_done),
        keep_dead=_seconds(queue.keep_dead, below.keep_dead),
        delivery=queue.delivery or below.delivery,
    )


def _backoff(queue: QueueSettings, below: Exponential | Steps) -> Exponential | Steps:
    if queue.backoff is queue.backoff_factor is queue.backoff_max is None:
        return below
    base = below if isinstance(below, Exponential) else Exponential()
    return Exponential(
        first=_seconds(queue.backoff, base.first),
        factor=base.factor if queue.backoff_factor is None else queue.backoff_factor,
        most=_seconds(queue.backoff_max, base.most),
    )


def _seconds(value: float | None, below: timedelta) -> timedelta:
    return below if value is None else timedelta(seconds=value)


def _default_store(settings: Settings) -> str:
    default = settings.queues.get("default")
    if default is not None and default.store is not None:
        return default.store
    return next(iter(settings.stores))
