"""What the suite needs around the MariaDB engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from penstock.conformance.builders import deadline
from penstock.engines.mariadb import MariadbEngine
from penstock.engines.mariadb.address import address_of
from penstock.engines.mariadb.times import duration
from penstock.job import JobId
from tests.servers.mariadb import Server, connect

HERE = Path(__file__).parent

_T = TypeVar("_T")


class MariadbHarness:
    """An engine on a database of its own, and a session beside it that does what no engine does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = MariadbEngine(url)
        self._session = connect(address_of(url))
        self._others: list[MariadbEngine] = []

    def another(self, *, number: int = 0) -> MariadbEngine:
        """One more engine on the database, not open yet."""
        self._others.append(MariadbEngine(self.url, number=number))
        return self._others[-1]

    async def age(self, duration_: timedelta) -> None:
        """Every stored time is moved back."""
        await asyncio.to_thread(self.ask, "age", duration(duration_))

    async def crash(self) -> None:
        """The engine's sockets are torn off in the middle of whatever they do, as a kill does it."""
        self.engine._database.cut()
        self._others.append(self.engine)
        self.engine = MariadbEngine(self.url)
        await self.engine.open()

    async def reopen(self) -> None:
        """Closed, and another one opened."""
        await self.engine.close()
        self.engine = MariadbEngine(self.url)
        await self.engine.open()

    async def second(self) -> MariadbEngine:
        """Another engine with sessions of its own."""
        other = self.another()
        await other.open()
        return other

    async def spoil(self, id: JobId) -> None:
        """Params and details are cut off."""
        await asyncio.to_thread(self.ask, "spoil", id)

    def ask(self, name: str, value: object = None) -> list[tuple[Any, ...]]:
        """Run the statements of a file beside this one; the rows of the last."""
        rows: list[tuple[Any, ...]] = []
        with self._session.cursor() as cursor:
            for statement in filter(None, map(str.strip, sql(name).split(";\n"))):
                cursor.execute(statement, [value] * statement.count("%s"))
                rows = list(cursor.fetchall())
        return rows

    async def held_up(self, call: Awaitable[_T]) -> asyncio.Future[_T]:
        """The call, now that it waits for a lock that another session holds."""
        future = asyncio.ensure_future(call)
        async with deadline():
            while not await asyncio.to_thread(self.ask, "waiting"):
                assert not future.done(), f"nothing held it up: {future}"
        return future

    def cut(self) -> None:
        """Every other session on the database is gone, by the server's hand."""
        for [kill] in self.ask("cut"):
            with self._session.cursor() as cursor:
                cursor.execute(kill)

    async def clean(self) -> None:
        """The store is empty, and the engine is the only one."""
        others, self._others = self._others, []
        for other in others:
            await other.close()
        await self.engine.open()
        await asyncio.to_thread(self.ask, "clean")

    async def close(self) -> None:
        """No engine holds a session."""
        for engine in (self.engine, *self._others):
            await engine.close()
        self._session.close()


def sql(name: str) -> str:
    """The text of a file of statements beside this file."""
    return (HERE / f"{name}.sql").read_text()


@asynccontextmanager
async def at(url: str) -> AsyncIterator[MariadbHarness]:
    """A harness on this database, whose engine is not open yet."""
    harness = MariadbHarness(url)
    try:
        yield harness
    finally:
        await harness.close()


@asynccontextmanager
async def around(server: Server) -> AsyncIterator[MariadbHarness]:
    """A harness on an empty database of its own."""
    with server.database() as url:
        async with at(url) as harness:
            yield harness


@contextmanager
def setting(server: Server, name: str, value: int, before: int) -> Iterator[None]:
    """A setting of the server is another one for a while."""
    server.execute(f"set global {name} = {value}")
    try:
        yield
    finally:
        server.execute(f"set global {name} = {before}")
