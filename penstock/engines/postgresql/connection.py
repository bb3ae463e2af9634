"""Sessions on a database: one statement, one round trip."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

import asyncpg

from penstock.engines.postgresql.statements import load, opens
from penstock.engines.postgresql.trouble import PASSING, connected, translated
from penstock.errors import EngineError, EngineUnavailable

MOST_SESSIONS = 8
STATEMENTS = 100  # that a session keeps prepared
SECONDS_TO_CONNECT = 10
SECONDS_TO_ANSWER = 60
SECONDS_TO_MIGRATE = 6 * 3600  # an index over all finished jobs takes its time
SECONDS_TO_CLOSE = 5
_T = TypeVar("_T")


class Row(Protocol):
    """One row of an answer, read by the names of its columns."""

    def __getitem__(self, column: str, /) -> Any:
        """The value, of the type that the driver gives to the column's."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """What the server knows of a statement: the types of its parameters, the names and types of its columns."""

    parameters: Sequence[str]
    columns: Sequence[tuple[str, str]]


class Transaction:
    """Several statements that are committed together."""

    def __init__(
        self,
        session: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
        calls: Mapping[str, str],
    ) -> None:
        self._session = session
        self._calls = calls

    async def fetch(self, verb: str, **parameters: object) -> Sequence[Row]:
        """The rows of the statement `sql/<verb>.sql`."""
        arguments = load(verb).arguments(parameters)
        return await self._session.fetch(_text(verb, self._calls), *arguments)

    async def shape_of(self, verb: str) -> Shape:
        """The shape of the statement `sql/<verb>.sql`."""
        # Without a name: by a pooler, another session would find it taken.
        prepared = await self._session.prepare(load(verb).text, name="")
        return Shape(
            [type.name for type in prepared.get_parameters()],
            [(column.name, column.type.name) for column in prepared.get_attributes()],
        )

    async def run(self, text: str) -> None:
        """A whole file of statements is run, however long it takes."""
        await self._session.execute(text, timeout=SECONDS_TO_MIGRATE)


class Database:
    """A pool of sessions on one schema of one database; none of them is set in any way."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._calls: Mapping[str, str] = {}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._is_pooled = False

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler stands between, which may run each transaction in another session. Known once open."""
        return self._is_pooled

    async def open(self) -> None:
        """Be connected. EngineUnavailable where nobody answers, EngineError where we are not let in."""
        if self._pool is None:
            try:
                self._is_pooled = await connected(self._meets_pooler)
                self._pool = await connected(self._connect)
            except EngineUnavailable as error:
                raise EngineUnavailable(f"{error} (at {_place(self._url)})") from error

    def call(self, calls: Mapping[str, str]) -> None:
        """Verbs are called so from now on."""
        self._calls = calls

    async def close(self) -> None:
        """Hold no session any more."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await pool.close()
        except (*PASSING, asyncpg.PostgresError):
            pool.terminate()

    async def fetch(self, verb: str, **parameters: object) -> Sequence[Row]:
        """The rows of the statement `sql/<verb>.sql`; it was committed before they came."""
        arguments = load(verb).arguments(parameters)

        async def run() -> Sequence[Row]:
            # Also for the wait for a session: where none answers, many may wait for each.
            async with asyncio.timeout(SECONDS_TO_ANSWER), self._session() as session:
                return await session.fetch(_text(verb, self._calls), *arguments)

        return await translated(run)

    async def together(self, work: Callable[[Transaction], Awaitable[_T]]) -> _T:
        """What `work` returns, after the commit of all it did; names are those of the schema."""

        async def run() -> _T:
            async with self._session() as session, session.transaction():
                transaction = Transaction(session, self._calls)
                await transaction.fetch("open_path", schema=self._schema)
                return await work(transaction)

        return await translated(run)

    @asynccontextmanager
    async def _session(self) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
        """One of the pool. What it is asked for is called off at the end, or the session given up."""
        pool = self._opened()
        session = await pool.acquire()
        try:
            yield session
        finally:
            await pool.release(session, timeout=SECONDS_TO_CLOSE)

    def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            raise EngineError("the postgresql engine is not open; call open() first")
        return self._pool

    async def _meets_pooler(self) -> bool:
        """Whether the process that greets us is not the one that works for us."""
        session = await asyncpg.connect(
            self._url,
            timeout=SECONDS_TO_CONNECT,
            command_timeout=SECONDS_TO_ANSWER,
            statement_cache_size=0,
        )
        try:
            working: int = await session.fetchval(load("open_process").text)
            return working != session.get_server_pid()
        finally:
            await session.close(timeout=SECONDS_TO_CLOSE)

    async def _connect(self) -> "asyncpg.Pool[asyncpg.Record]":
        return await asyncpg.create_pool(
            self._url,
            # With any, the driver keeps trying where the server is away, and logs each failure.
            min_size=0,
            max_size=MOST_SESSIONS,
            timeout=SECONDS_TO_CONNECT,
            command_timeout=SECONDS_TO_ANSWER,
            server_settings={"application_name": "penstock"},
            # By a pooler, what one session has prepared is unknown to the next.
            statement_cache_size=0 if self._is_pooled else STATEMENTS,
            # Unless told otherwise, the driver forgets long statements, and any after five minutes.
            max_cacheable_statement_size=0,
            max_cached_statement_lifetime=0,
            # No statement leaves anything in its session; to reset it would be one round trip more for each.
            reset=_leave_as_it_is,
        )


def _text(verb: str, calls: Mapping[str, str]) -> str:
    return load(verb).text if opens(verb) else calls[verb]


async def _leave_as_it_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    return


def _place(url: str) -> str:
    """Where a URL leads, without the user's name and password."""
    parts = urlsplit(url)
    hosts = dict(parse_qsl(parts.query)).get("host")
    return hosts or parts.netloc.rpartition("@")[2] or "the usual socket"
