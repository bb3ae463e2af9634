"""Stores of each kind that has a schema, each of its own, for releases to meet on."""

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from penstock.conformance.harness import Harness
from penstock.engine import Engine
from penstock.engines.mariadb.address import address_of
from penstock.schema import Migrating
from tests.engines.mariadb.harness import MariadbHarness, at
from tests.engines.postgresql.harness import PostgresqlHarness, around
from tests.engines.sqlite.harness import SqliteHarness, url_of
from tests.engines.upgrade.release import SOON
from tests.servers.mariadb import Server, connect

HERE = Path(__file__).parent

KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=[pytest.mark.server, pytest.mark.xdist_group("postgresql")]),
    pytest.param("mariadb", marks=[pytest.mark.server, pytest.mark.xdist_group("mariadb")]),
]


class MigratingEngine(Engine, Migrating, Protocol):
    """An engine whose stores have a schema."""


class Place(ABC):
    """A store of its own."""

    url: str

    @property
    @abstractmethod
    def harness(self) -> Harness:
        """What the suite needs; its engine is of this release."""

    @abstractmethod
    def another(self) -> MigratingEngine:
        """One more engine of this release, not open yet."""

    @abstractmethod
    async def clean(self) -> None:
        """The store is empty, its schema as it was, and the engine of the harness open."""

    @abstractmethod
    def busy(self) -> AbstractAsyncContextManager[None]:
        """Whoever applies the migration `half` meanwhile does not come to its end."""

    @abstractmethod
    async def is_half(self) -> bool:
        """Whether somebody is at it."""

    async def until_half(self) -> None:
        """A process has begun to apply `half`."""
        async with asyncio.timeout(SOON):
            while not await self.is_half():
                pass


class OnSqlite(Place):
    """A file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = SqliteHarness(directory)
        self.url = url_of(self._made.path)

    @property
    def harness(self) -> SqliteHarness:
        """Around the file."""
        return self._made

    def another(self) -> MigratingEngine:
        """One more on the file."""
        engine = self._made.make()
        self._made._others.append(engine)
        return engine

    async def clean(self) -> None:
        """All rows are gone but for those that say what the file is."""
        await self._made.close()
        with closing(sqlite3.connect(self._made.path)) as file, file:
            file.executescript((HERE / "sqlite/clean.sql").read_text())
        await self._made.reopen()

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """The migration never ends by itself."""
        yield

    async def is_half(self) -> bool:
        """Whether somebody writes."""
        with closing(sqlite3.connect(self._made.path, timeout=0, isolation_level=None)) as file:
            try:
                file.execute((HERE / "sqlite/write.sql").read_text())
            except sqlite3.OperationalError as error:
                return "locked" in str(error)
        return False


class OnPostgresql(Place):
    """A database."""

    def __init__(self, harness: PostgresqlHarness) -> None:
        self._made = harness
        self.url = harness.url

    @property
    def harness(self) -> PostgresqlHarness:
        """Around the database."""
        return self._made

    def another(self) -> MigratingEngine:
        """One more on the database."""
        return self._made.another()

    async def clean(self) -> None:
        """All rows are gone but for those that say what the store is."""
        await self._made.clean()

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """A transaction has read the table of jobs."""
        async with self._made.session.transaction():
            await self._made.session.execute((HERE / "postgresql/read.sql").read_text())
            yield

    async def is_half(self) -> bool:
        """Whether a session that migrates waits for a lock."""
        # A transaction sees the sessions as they were when it first looked at them.
        session = await asyncpg.connect(self.url)
        try:
            return bool(await session.fetchval((HERE / "postgresql/is_half.sql").read_text()))
        finally:
            await session.close()


class OnMariadb(Place):
    """A database."""

    def __init__(self, harness: MariadbHarness) -> None:
        self._made = harness
        self.url = harness.url

    @property
    def harness(self) -> MariadbHarness:
        """Around the database."""
        return self._made

    def another(self) -> MigratingEngine:
        """One more on the database."""
        return self._made.another()

    async def clean(self) -> None:
        """All rows are gone but for those that say what the store is."""
        await self._made.clean()

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """A transaction has read the table of jobs."""
        with closing(connect(address_of(self.url))) as session:
            session.begin()
            session.cursor().execute((HERE / "mariadb/read.sql").read_text())
            yield

    async def is_half(self) -> bool:
        """Whether a session waits for a table."""
        with closing(connect(address_of(self.url))) as session, session.cursor() as cursor:
            cursor.execute((HERE / "mariadb/is_half.sql").read_text())
            return cursor.fetchone() != (0,)


@asynccontextmanager
async def place_of(
    kind: str, directory: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Place]:
    """A new place of this kind; nothing is left of it."""
    match kind:
        case "sqlite":
            sqlite = OnSqlite(directory)
            yield sqlite
            await sqlite.harness.close()
        case "postgresql":
            url: str = request.getfixturevalue("postgresql_url")
            async with _database(url) as own, around(own) as postgresql:
                yield OnPostgresql(postgresql)
        case _:
            server: Server = request.getfixturevalue("mariadb_server")
            with server.database() as own:
                async with at(own) as mariadb:
                    yield OnMariadb(mariadb)


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[str]:
    name = f"penstock_upgrade_{uuid4().hex}"
    session = await asyncpg.connect(url)
    try:
        await session.execute(f"create database {name}")
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
        await session.execute(f"drop database {name} with (force)")
    finally:
        await session.close()
