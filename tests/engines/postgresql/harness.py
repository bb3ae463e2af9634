"""What the suite needs around the PostgreSQL engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg

from penstock.conformance.builders import deadline
from penstock.engines.postgresql import PostgresqlEngine
from penstock.job import JobId, first_id

HERE = Path(__file__).parent

_T = TypeVar("_T")


class PostgresqlHarness:
    """An engine on a schema, and a session beside it that does what no engine does."""

    def __init__(
        self,
        url: str,
        schema: str,
        session: "asyncpg.Connection[asyncpg.Record]",
        *,
        number: int = 0,
        pooler_url: str | None = None,
        listen_url: str | None = None,
    ) -> None:
        """The engines go by the pooler, if there is one."""
        self._number = number
        self._listen_url = listen_url
        self.url = pooler_url or url
        self.schema = schema
        self.session = session
        self.engine = self._make()
        self._others: list[PostgresqlEngine] = []

    def another(self, *, number: int | None = None, setting: str = "") -> PostgresqlEngine:
        """One more engine on the schema, not open yet; a setting of its sessions is given as `name=value`."""
        self._others.append(self._make(number, setting))
        return self._others[-1]

    async def age(self, duration: timedelta) -> None:
        """Every stored time is moved back."""
        await self.session.execute(sql("age"), duration)

    async def crash(self) -> None:
        """The engine's sockets are torn off in the middle of whatever they do, as a kill does it."""
        pool = self.engine._database._pool
        assert pool is not None
        pool.terminate()
        listening = self.engine._listener._session
        if listening is not None:
            listening.terminate()
        self._others.append(self.engine)
        self.engine = self._make()
        await self.engine.open()

    async def reopen(self) -> None:
        """Closed, and another one opened."""
        await self.engine.close()
        self.engine = self._make()
        await self.engine.open()

    async def second(self) -> PostgresqlEngine:
        """Another engine with sessions of its own."""
        other = self.another()
        await other.open()
        return other

    async def spoil(self, id: JobId) -> None:
        """Params and details are cut off."""
        await self.session.execute(sql("spoil"), id)

    async def held_up(self, call: Awaitable[_T]) -> asyncio.Future[_T]:
        """The call, now that it waits for a lock that another session holds."""
        future = asyncio.ensure_future(call)
        async with deadline():
            while not await self.session.fetchval(sql("waiting")):
                assert not future.done(), f"nothing held it up: {future}"
        return future

    async def clean(self) -> None:
        """The store is empty, and the engine is the only one."""
        others, self._others = self._others, []
        for other in others:
            await other.close()
        await self.engine.open()
        await self.session.execute(sql("clean"))
        if await self.session.fetchval(sql("crowded")):
            # So that each case meets the same engine, whatever other cases have left.
            await self.session.execute("vacuum waiting")
        await self.session.execute(sql("first_id"), first_id(self._number))

    async def close(self) -> None:
        """No engine holds a session."""
        for engine in (self.engine, *self._others):
            await engine.close()

    def _make(self, number: int | None = None, setting: str = "") -> PostgresqlEngine:
        parts = urlsplit(self.url)
        url = parts._replace(query="&".join(filter(None, [parts.query, setting]))).geturl()
        number = self._number if number is None else number
        return PostgresqlEngine(url, number=number, schema=self.schema, listen_url=self._listen_url)


def sql(name: str) -> str:
    """The text of a statement beside this file."""
    return (HERE / f"{name}.sql").read_text()


@asynccontextmanager
async def around(
    url: str,
    schema: str = "penstock",
    *,
    number: int = 0,
    pooler_url: str | None = None,
    listen_url: str | None = None,
) -> AsyncIterator[PostgresqlHarness]:
    """A harness whose engine is not open yet."""
    session = await asyncpg.connect(url, server_settings={"search_path": schema})
    harness = PostgresqlHarness(
        url, schema, session, number=number, pooler_url=pooler_url, listen_url=listen_url
    )
    try:
        yield harness
    finally:
        await harness.close()
        await session.close()
