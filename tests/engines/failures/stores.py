"""The stores of the tests of failures: on servers of their own, which may be killed, and be reached by a proxy."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Protocol

import pytest

from penstock.engine import Engine
from penstock.engines.mariadb import MariadbEngine
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.scripts import source
from tests.engines.failures.acts import ACTS
from tests.engines.mariadb import harness as on_mariadb
from tests.engines.postgresql import harness as on_postgresql
from tests.engines.redis.harness import RedisHarness
from tests.servers import mariadb, postgresql, redis


class Place(Protocol):
    """Where a store is."""

    @property
    def kind(self) -> str:
        """The scheme of its engine."""
        ...

    @property
    def url(self) -> str:
        """Where it is."""
        ...


class Aged(Protocol):
    """A store whose time passes when it is told to."""

    def engine(self) -> Engine:
        """An engine on it, not open yet."""
        ...

    async def age(self, duration: timedelta) -> None:
        """Every stored time is moved back."""
        ...


class Store(Place, Aged, Protocol):
    """One store on a server that belongs to the tests."""

    @property
    def way(self) -> str:
        """The socket of the server."""
        ...

    def through(self, port: int) -> str:
        """Where it is for those who go by this port."""
        ...

    def engine(self, url: str | None = None) -> Engine:
        """An engine on it, not open yet."""
        ...

    def kill(self) -> None:
        """The server is gone, without a chance to write anything."""
        ...

    def start(self) -> None:
        """The server answers again, with what it had on disk."""
        ...

    @property
    def connections(self) -> str:
        """The name of how many connections an engine may have."""
        ...

    def hurry(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Engines have no more patience than this, in all they wait for."""
        ...

    async def empty(self) -> None:
        """Nothing is stored."""
        ...


class PostgresqlStore:
    """Data synced to disk before the answer, as by default."""

    kind = "postgresql"
    connections = "penstock.engines.postgresql.connection.MOST_SESSIONS"

    def __init__(self, server: postgresql.PrivateServer) -> None:
        self.url = server.url
        self.way = server.way
        self.kill = server.kill
        self.start = server.start

    def through(self, port: int) -> str:
        return f"postgresql://{postgresql.USER}@127.0.0.1:{port}/postgres?sslmode=disable"

    def engine(self, url: str | None = None) -> PostgresqlEngine:
        return PostgresqlEngine(url or self.url)

    def hurry(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        for name in ("SECONDS_TO_CONNECT", "SECONDS_TO_ANSWER", "SECONDS_TO_CLOSE"):
            monkeypatch.setattr(f"penstock.engines.postgresql.connection.{name}", seconds)

    async def empty(self) -> None:
        async with on_postgresql.around(self.url) as harness:
            await harness.clean()

    async def age(self, duration: timedelta) -> None:
        async with on_postgresql.around(self.url) as harness:
            await harness.age(duration)


class MariadbStore:
    """The log synced to disk at each commit, as by default."""

    kind = "mariadb"
    connections = "penstock.engines.mariadb.database.SESSIONS"

    def __init__(self, server: mariadb.Server, url: str) -> None:
        self.url = url
        self.way = server.way
        self.kill = server.kill
        self.start = server.start

    def through(self, port: int) -> str:
        database = self.url.partition("?")[0].rpartition("/")[2]
        return f"mariadb://{mariadb.USER}@127.0.0.1:{port}/{database}"

    def engine(self, url: str | None = None) -> MariadbEngine:
        return MariadbEngine(url or self.url)

    def hurry(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        for name in ("SECONDS_TO_CONNECT", "SECONDS_TO_ANSWER"):
            monkeypatch.setattr(f"penstock.engines.mariadb.session.{name}", seconds)
        for name in ("engine.PATIENCE", "database.LONGEST_LINE"):
            patience = timedelta(seconds=seconds)
            monkeypatch.setattr(f"penstock.engines.mariadb.{name}", patience)

    async def empty(self) -> None:
        async with on_mariadb.at(self.url) as harness:
            await harness.clean()

    async def age(self, duration: timedelta) -> None:
        async with on_mariadb.at(self.url) as harness:
            await harness.age(duration)


class RedisStore:
    """`appendfsync always`."""

    kind = "redis"
    connections = "penstock.engines.redis.connection.CONNECTIONS"

    def __init__(self, server: redis.Server) -> None:
        self._server = server
        self.url = server.url
        self.way = server.way
        self.kill = server.kill
        self.start = server.start

    def through(self, port: int) -> str:
        return f"redis://127.0.0.1:{port}/0"

    def engine(self, url: str | None = None) -> RedisEngine:
        return RedisEngine(url or self.url)

    def hurry(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        for name in ("CONNECT_TIMEOUT", "ANSWER_TIMEOUT"):
            patience = timedelta(seconds=seconds)
            monkeypatch.setattr(f"penstock.engines.redis.connection.{name}", patience)

    async def empty(self) -> None:
        harness = RedisHarness(self.url, self._server)
        await harness.empty()
        for verb in ACTS:
            # So that each verb has one exchange, in whatever order the tests run.
            await harness.stranger.script_load(source(verb))
        await harness.stranger.aclose()

    async def age(self, duration: timedelta) -> None:
        harness = RedisHarness(self.url, self._server)
        await harness.age(duration)
        await harness.stranger.aclose()


@contextmanager
def _postgresql() -> Iterator[Store]:
    with postgresql.private() as server:
        yield PostgresqlStore(server)


@contextmanager
def _mariadb() -> Iterator[Store]:
    with mariadb.Server().serve() as server:
        server.execute("create database penstock_failures")
        yield MariadbStore(server, server.url("penstock_failures"))


@contextmanager
def _redis() -> Iterator[Store]:
    server = redis.Server()
    with server.serve():
        yield RedisStore(server)


STORES: dict[str, Callable[[], AbstractContextManager[Store]]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "redis": _redis,
}
