"""A whole server over the memory engine, on a clock that only moves when it is told to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from penstock.clock import ManualClock
from penstock.commands.callback import CallbackCommand
from penstock.commands.exec import ExecCommand
from penstock.commands.http import HttpCommand
from penstock.engine import Engine
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.events import Events
from penstock.group import End, QueueGroup, Store
from penstock.handler import Context, FunctionHandler, Registry
from penstock.inspection import Health, Inspection
from penstock.job import CALLBACK_TYPE, Claim, JobId, Move
from penstock.policy import Outcome, Policies, Policy
from penstock.remote import Remote
from penstock.serialization import JSON
from penstock.server import build
from penstock.settings import CallbackSettings, ExecSettings, HttpSettings, ServerSettings
from tests.installation import Installation, installation
from tests.server.driver import Client

VERSION = "1.2.3"
TTL = timedelta(seconds=15)


@dataclass
class Place:
    """A server, and the hands to work on its jobs behind its back."""

    made: Installation
    app: ASGIApp
    client: Client

    def served(self, settings: ServerSettings) -> ASGIApp:
        """Another server over the same queues."""
        return build(
            self.made.group,
            self.made.inspection,
            self.made.health,
            settings,
            VERSION,
            remote=self.made.remote,
        )

    async def claim(self, id: JobId) -> Claim:
        """The claim of this waiting job."""
        [claim] = await self.made.store.claim_ids([id], ttl=TTL, worker="w1")
        return claim

    async def finish(self, id: JobId, outcome: Outcome) -> None:
        """The waiting job is claimed and ends so."""
        await self.end(await self.claim(id), outcome)

    async def end(self, claim: Claim, outcome: Outcome | None = None) -> None:
        """The claimed job ends so, done if nothing else is said."""
        [held] = await self.made.store.finish([End(claim, outcome or Outcome(move=Move.ACK))])
        assert held

    async def done(self, id: JobId, result: str = "null") -> None:
        """The waiting job is claimed and ends done."""
        await self.finish(id, Outcome(move=Move.ACK, result=result))

    async def dead(self, id: JobId) -> None:
        """The waiting job is claimed and ends dead."""
        await self.finish(id, Outcome(move=Move.BURY, error="broken"))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """A server that knows http, exec and mail jobs, and some for remote workers; only public targets, no programs."""
    http = HttpCommand(HttpSettings(), version=VERSION)
    made = await installation(
        {"http": http, "exec": ExecCommand(ExecSettings()), "mail": FunctionHandler(_mail)},
        accepts=lambda type: type.startswith("remote"),
    )
    registry = made.group.registry
    registry.register(CALLBACK_TYPE, CallbackCommand(http, registry, CallbackSettings()))
    app = build(
        made.group, made.inspection, made.health, ServerSettings(), VERSION, remote=made.remote
    )
    yield Place(made, app, Client(app))
    await http.close()
    await made.engine.close()


@pytest.fixture
def client(place: Place) -> Client:
    """A client on this machine."""
    return place.client


@dataclass
class Pair:
    """A server over two stores, in which it is always the same time, and the engines behind it."""

    client: Client
    first: MemoryEngine
    second: SqliteEngine

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """Both."""
        return self.first, self.second


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Mail jobs live in memory, sms jobs in a file, whose ids start with 10000000000001."""
    clock = ManualClock()
    first = MemoryEngine(clock=clock)
    second = SqliteEngine(f"sqlite:///{tmp_path}/second.db", number=1, clock=clock)
    await second.open()
    policies = Policies(Policy())
    stores = {
        "main": Store("main", first, policies, Events(), kind="memory"),
        "disk": Store("disk", second, policies, Events(), kind="sqlite"),
    }
    registry = Registry({"mail": FunctionHandler(_mail), "sms": FunctionHandler(_mail)})
    group = QueueGroup(
        stores, default="main", routes={"sms": "disk"}, policies=policies, registry=registry
    )
    inspection, remote = Inspection(group), Remote(group)
    app = build(group, inspection, Health(), ServerSettings(), VERSION, remote=remote)
    yield Pair(Client(app), first, second)
    await second.close()


def _mail(context: Context) -> JSON:
    return None
