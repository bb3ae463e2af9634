"""PostgreSQL alone: as few statements as the moves need, prepared, on one session and the engine's own tables."""

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from typing import TypeAlias
from urllib.parse import quote, urlsplit

import asyncpg
import msgspec
from asyncpg.prepared_stmt import PreparedStatement

from penstock.bench.timing import since
from penstock.engine import Want
from penstock.errors import EngineUnavailable, NotAllowed
from penstock.job import NewJob, QueueKey, dump_details
from penstock.settings import StoreSettings

WORKER = "bare"
KEEP = timedelta(days=1)

# As the engine's statements bring them along: there are no statistics of tables that were just filled.
_SESSION = {
    "search_path": "penstock",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Prepared: TypeAlias = "PreparedStatement[asyncpg.Record]"


class PostgresqlBare:
    """One session."""

    def __init__(self, url: str, session: Session, push: Prepared, claim: Prepared, ack: Prepared):
        self._url = url
        self._session = session
        self._moves = push, claim, ack
        self._queues: dict[QueueKey, int] = {}
        self._held: Sequence[asyncpg.Record] = ()

    @property
    def version(self) -> str:
        """Which server it is."""
        found = self._session.get_server_version()
        return f"PostgreSQL {found.major}.{found.minor}"

    def room(self) -> None:
        """Nobody knows how much the server's disk can take."""
        return

    async def push(self, jobs: Sequence[NewJob]) -> timedelta:
        """The jobs are ready."""
        push, _, _ = self._moves
        arguments = (
            [await self._number(job.queue) for job in jobs],
            [job.params for job in jobs],
            [dump_details(job.details) for job in jobs],
            [job.priority for job in jobs],
            [job.max_attempts for job in jobs],
            [job.delivery for job in jobs],
        )
        began = time.perf_counter_ns()
        await push.fetch(*arguments)
        return since(began)

    async def claim(self, wants: Sequence[Want]) -> timedelta:
        """What was wanted is held."""
        _, claim, _ = self._moves
        arguments = (
            [await self._number(want.queue) for want in wants],
            [want.limit for want in wants],
            [want.ttl for want in wants],
            [want.floor for want in wants],
            WORKER,
        )
        began = time.perf_counter_ns()
        self._held = await claim.fetch(*arguments)
        return since(began)

    async def ack(self) -> timedelta:
        """What was held is done."""
        _, _, ack = self._moves
        held, self._held = self._held, ()
        arguments = [row["id"] for row in held], [row["fence"] for row in held], KEEP
        began = time.perf_counter_ns()
        await ack.fetch(*arguments)
        return since(began)

    def open_transaction(self) -> AbstractAsyncContextManager[None]:
        """A session sees the store as it is now."""
        return _open_transaction(self._url)

    async def close(self) -> None:
        """The session is gone."""
        self._session.terminate()

    async def _number(self, key: QueueKey) -> int:
        if key not in self._queues:
            text = _text("queue")
            self._queues[key] = await self._session.fetchval(text, key.domain, key.type)
        return self._queues[key]


async def open_bare(settings: StoreSettings) -> PostgresqlBare:
    """The database that the URL names, which the engine has made."""
    session = await asyncpg.connect(settings.url, server_settings=_SESSION)
    try:
        push, claim, ack = [await session.prepare(_text(verb)) for verb in ("push", "claim", "ack")]
    except BaseException:
        session.terminate()
        raise
    return PostgresqlBare(settings.url, session, push, claim, ack)


@asynccontextmanager
async def own_store(settings: StoreSettings) -> AsyncIterator[StoreSettings]:
    """A database of our own on the server that the URL names, dropped at the end."""
    name = f"penstock_bench_{uuid.uuid4().hex[:12]}"
    await _run(settings.url, "create", name)
    try:
        own = urlsplit(settings.url)._replace(path=f"/{quote(name)}").geturl()
        yield msgspec.structs.replace(settings, url=own)
    finally:
        await _run(settings.url, "drop", name)


async def _run(url: str, verb: str, name: str) -> None:
    try:
        session = await asyncpg.connect(url)
        try:
            await session.execute(await session.fetchval(_text(verb), name))
        finally:
            await session.close()
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowed(
            f"the user may not {verb} the database {name}, in which the bench would leave your jobs alone; "
            "allow it with `alter role … createdb`, or name a server where you may"
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EngineUnavailable(f"postgresql cannot {verb} the database {name}: {error}") from error


@asynccontextmanager
async def _open_transaction(url: str) -> AsyncIterator[None]:
    session = await asyncpg.connect(url, server_settings=_SESSION)
    try:
        async with session.transaction(isolation="repeatable_read"):
            await session.fetchval(_text("look"))
            yield
    finally:
        session.terminate()


def _text(verb: str) -> str:
    return (files(__package__) / f"{verb}.sql").read_text("utf-8")
