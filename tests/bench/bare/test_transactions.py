"""The transaction that a bench holds open is one that the store must heed, and ends with its context."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from penstock.bench.bare import twin_of
from penstock.engine import Engine, Want
from penstock.engines.mariadb.address import address_of
from penstock.engines.sqlite.place import file_of
from penstock.job import NewJob, QueueKey
from penstock.settings import StoreSettings
from tests.bench.stores import ENGINES, opened, settings_of
from tests.installation import until
from tests.servers.mariadb import connect

pytest_plugins = ["tests.servers.fixtures", "tests.servers.redis"]

JOB = NewJob(queue=QueueKey("here", "ours"))


@pytest.fixture(params=ENGINES)
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreSettings]:
    beside = settings_of(request, tmp_path)
    twin = twin_of(beside)
    assert twin is not None
    async with twin.own_store(beside) as own:
        yield own


@pytest.fixture
async def engine(settings: StoreSettings) -> AsyncIterator[Engine]:
    async with opened(settings) as found:
        yield found


async def test_it_is_open_until_its_context_ends(settings: StoreSettings, engine: Engine) -> None:
    twin = twin_of(settings)
    assert twin is not None
    kind = settings.url.partition(":")[0]
    bare = await twin.open_bare(settings)
    transaction = bare.open_transaction()
    if transaction is None:
        await bare.close()
        pytest.skip(f"{kind} knows no such transactions")
    count_open = COUNTS[kind]

    async with transaction:
        await bare.push([JOB])
        await bare.claim([Want(queue=JOB.queue, limit=1, ttl=timedelta(minutes=1))])
        await bare.ack()
        during = await count_open(settings.url)

    async def has_ended() -> bool:
        return await count_open(settings.url) == 0

    await until(has_ended)
    await bare.close()

    assert during == 1
    assert (await engine.counts())[JOB.queue].done == 1


async def _on_postgresql(url: str) -> int:
    session = await asyncpg.connect(url)
    try:
        count: int = await session.fetchval(_text("postgresql"))
        return count
    finally:
        await session.close()


async def _on_mariadb(url: str) -> int:
    with connect(address_of(url)) as session, session.cursor() as cursor:
        cursor.execute(_text("mariadb"))
        [[count]] = cursor.fetchall()
        return int(count)


async def _on_sqlite(url: str) -> int:
    """Whether somebody still reads what the log would have to be rid of."""
    session = sqlite3.connect(file_of(url))
    try:
        [(busy, _, _)] = session.execute(_text("sqlite")).fetchall()
        return int(busy)
    finally:
        session.close()


def _text(kind: str) -> str:
    return Path(__file__).with_name(f"open_{kind}.sql").read_text()


COUNTS: dict[str, Callable[[str], Awaitable[int]]] = {
    "postgresql": _on_postgresql,
    "mariadb": _on_mariadb,
    "sqlite": _on_sqlite,
}
