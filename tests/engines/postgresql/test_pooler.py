"""By a pooler in transaction mode: nothing depends on a session, and who waits is told past it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from penstock.conformance.builders import (
    HOUR,
    assert_conserved,
    claims,
    job,
    jobs,
    push,
    want,
)
from penstock.conformance.wait import _assert_true, _idle
from penstock.engine import Ack, Engine, Feature
from penstock.engines.postgresql import PostgresqlEngine
from penstock.errors import EngineError
from penstock.job import JobId
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql
from tests.servers.pgbouncer import SESSIONS

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

LONG = timedelta(days=1)


@pytest.fixture
async def pooled(postgresql_url: str, pooler_url: str) -> AsyncIterator[PostgresqlHarness]:
    """An engine that goes by the pooler and has nowhere to listen."""
    async with around(postgresql_url, "pooled", pooler_url=pooler_url) as made:
        await made.engine.open()
        await made.clean()
        yield made


async def test_two_engines_with_more_calls_than_the_pooler_has_sessions(
    pooled: PostgresqlHarness,
) -> None:
    engines = [pooled.engine, await pooled.second()]
    assert 4 * len(engines) > SESSIONS

    answered = await asyncio.gather(
        *(push(engine, *jobs(*"abcde")) for engine in engines for _ in range(20))
    )
    shares = await asyncio.gather(*(_drain(engine) for engine in engines * 4))

    pushed = Counter(id for ids in answered for id in ids)
    assert Counter(id for share in shares for id in share) == pushed
    assert sum(pushed.values()) == 200
    await assert_conserved(pooled.engine)


async def _drain(engine: Engine) -> list[JobId]:
    found: list[JobId] = []
    while given := await claims(engine, want(limit=7)):
        assert all(await engine.ack([Ack(ref=one.ref) for one in given]))
        found += [one.job.id for one in given]
    return found


async def test_no_session_keeps_anything_of_a_call(pooled: PostgresqlHarness) -> None:
    await push(pooled.engine, *jobs("a", "b"))
    await claims(pooled.engine)

    pool = pooled.engine._database._pool
    assert pool is not None
    left = await asyncio.gather(*(pool.fetchrow(sql("left")) for _ in range(3 * SESSIONS)))
    assert [dict(row or {}) for row in left] == 3 * SESSIONS * [
        {"prepared": 0, "listening": 0, "locks": 0}
    ]


async def test_without_an_address_to_listen_at_it_looks(pooled: PostgresqlHarness) -> None:
    assert Feature.WAIT not in pooled.engine.features
    await _idle(pooled.engine)
    waiting = asyncio.create_task(pooled.engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(await pooled.second(), job())

    await _assert_true(waiting)
    assert await pooled.session.fetchval(sql("listening")) == 0


async def test_with_an_address_to_listen_at_it_is_told(
    postgresql_url: str, pooler_url: str
) -> None:
    async with around(
        postgresql_url, "pooled", pooler_url=pooler_url, listen_url=postgresql_url
    ) as harness:
        await harness.engine.open()
        await harness.clean()
        harness.engine._wake._pause = LONG
        await _idle(harness.engine)
        waiting = asyncio.create_task(harness.engine.wait(HOUR))
        await asyncio.sleep(0)

        await push(await harness.second(), job())

        await _assert_true(waiting)
        assert Feature.WAIT in harness.engine.features


async def test_the_server_itself_is_known_from_a_pooler(
    pooled: PostgresqlHarness, harness: PostgresqlHarness
) -> None:
    assert pooled.engine._database.is_pooled
    assert not harness.engine._database.is_pooled
    assert Feature.WAIT in harness.engine.features


def test_an_address_to_listen_at_of_another_kind_is_refused() -> None:
    with pytest.raises(EngineError, match="listen_url 'mariadb'") as refused:
        PostgresqlEngine("postgresql:///", listen_url="mariadb://me:secret@here")

    assert "secret" not in str(refused.value)
