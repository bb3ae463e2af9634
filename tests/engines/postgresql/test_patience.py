"""A transaction that stays open holds up only what meets it in a key, and that no longer than the lock timeout."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from penstock.conformance.builders import (
    HOUR,
    OTHER,
    QUEUE,
    TTL,
    assert_conserved,
    claims,
    counts_of,
    deadline,
    expire,
    job,
    key,
    names,
    push,
    root,
    want,
)
from penstock.conformance.wait import _assert_woken, _idle
from penstock.engine import Ack, Engine, Release, Renew, Retry
from penstock.errors import EngineUnavailable
from penstock.job import JobId, NewJob, Presence
from penstock.serialization import JSON, digest
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

LONG = timedelta(days=1)
ROOT: JSON = {"signature": "family", "timestamp": "2031-01-01T00:00:00Z"}
# What an application has pushed in its open transaction, and what meets it.
HELD: Mapping[str, tuple[Mapping[str, JSON], NewJob]] = {
    "a dedupe key": ({"dedupe": True}, job(dedupe_key=digest({}))),
    "an idempotency key": ({"idempotency_key": "k"}, job(idempotency=key("k"))),
    "a root": ({"root": ROOT}, job(root=root(1))),
    "a new queue": ({"type": "new"}, job(queue=type(QUEUE)("default", "new"))),
}


@asynccontextmanager
async def pushed_by(harness: PostgresqlHarness, *jobs: Mapping[str, JSON]) -> AsyncIterator[None]:
    """Inside, an application has pushed these and has not committed yet."""
    async with application(harness) as session, session.transaction():
        pushed = json.dumps([{"type": "mail", **each} for each in jobs])
        await session.fetch(sql("penstock_push"), pushed)
        yield


@asynccontextmanager
async def application(
    harness: PostgresqlHarness,
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    session = await asyncpg.connect(harness.url, server_settings={"search_path": harness.schema})
    try:
        yield session
    finally:
        await session.close()


@pytest.mark.parametrize(("held", "meets"), HELD.values(), ids=HELD)
async def test_a_push_waits_for_a_key_no_longer_than_the_timeout(
    harness: PostgresqlHarness, held: Mapping[str, JSON], meets: NewJob
) -> None:
    engine = harness.engine
    await push(engine, job("before"), job("another queue", queue=OTHER))

    async with deadline(), pushed_by(harness, held):
        blocked = await harness.held_up(engine.push([meets]))
        # All others go on while it waits, and after it.
        await _goes_on(engine, "meanwhile")
        with pytest.raises(EngineUnavailable, match="lock timeout"):
            await blocked
        await _goes_on(engine, "afterwards")

    await engine.push([meets])
    assert (await counts_of(engine)).claimed == 0
    await assert_conserved(engine)


async def _goes_on(engine: Engine, word: str) -> None:
    """Another key, and another queue, are pushed, claimed and ended."""
    await push(engine, job(dedupe_key=word, idempotency=key(word), root=root(1, word)))
    await push(engine, job(queue=OTHER))
    held = await claims(engine, want(limit=10), want(OTHER, limit=10))
    assert len(held) >= 2
    assert all(await engine.ack([Ack(ref=each.ref, keep=timedelta(0)) for each in held]))


async def test_applications_wait_for_each_other_no_longer_either(
    harness: PostgresqlHarness,
) -> None:
    async with deadline(), pushed_by(harness, {"dedupe": True}), application(harness) as other:
        with pytest.raises(asyncpg.LockNotAvailableError):
            await other.fetch(sql("penstock_push"), '{"type": "mail", "dedupe": true}')

    assert (await counts_of(harness.engine)).pushed == 1


async def test_an_open_transaction_holds_up_nothing_else(harness: PostgresqlHarness) -> None:
    engine = harness.engine
    await push(engine, *(job(str(number)) for number in range(30)), job("later", delay=HOUR))

    async with deadline(), pushed_by(harness, *({"params": {"n": n}} for n in range(100))):
        await _every_move(harness)
        other = await harness.second()
        await other.learn([])
        await push(other, job("from another"))

    assert (await counts_of(engine)).ready >= 101
    await assert_conserved(engine)


async def _every_move(harness: PostgresqlHarness) -> None:
    engine = harness.engine
    first, second, third, fourth = await claims(engine, want(limit=4))
    await engine.renew([Renew(ref=first.ref, ttl=TTL)])
    await engine.ack([Ack(ref=first.ref)])
    await engine.retry([Retry(ref=second.ref, after=timedelta(0), error="")])
    await engine.release([Release(ref=third.ref)])
    await expire(harness)
    assert (await engine.reclaim(10, ttl=TTL, worker="w")).readied == 1
    await harness.age(HOUR)
    assert (await engine.promote(10)).count == 1
    # Often enough for the tallies to be folded.
    for number in range(25):
        await push(engine, job(str(number)))
    await engine.purge(1000)
    await engine.pause([QUEUE])
    await engine.resume([QUEUE])
    await engine.announce(Presence(worker="w", slots=1), TTL)
    await engine.forget("w")
    assert await engine.delete([fourth.job.id]) == [True]


async def test_a_job_that_an_open_transaction_raises_is_passed_by(
    harness: PostgresqlHarness,
) -> None:
    engine = harness.engine
    twin = job("twin", dedupe_key=digest({}), priority=900)
    await push(engine, twin, job("next"))

    async with deadline(), pushed_by(harness, {"dedupe": True, "priority": 1000}):
        assert names(await claims(engine)) == ["next"]

    assert names(await claims(engine)) == ["twin"]


async def test_whoever_waits_is_told_at_the_commit_however_late(
    harness: PostgresqlHarness,
) -> None:
    harness.engine._wake._pause = LONG
    await push(harness.engine, job("so that the queue is known"))
    await claims(harness.engine)
    await _idle(harness.engine)
    async with pushed_by(harness, {}):
        # In between another one told of itself, and all who wait have looked.
        await push(await harness.second(), job("other"))
        await _assert_woken(harness.engine)
        assert names(await claims(harness.engine)) == ["other"]
        await _idle(harness.engine)

    await _assert_woken(harness.engine)
    assert [each.job.id for each in await claims(harness.engine)] == [JobId(2)]


async def test_a_late_commit_is_seen_where_nothing_is_heard(postgresql_url: str) -> None:
    async with around(postgresql_url, "late") as harness:
        await harness.engine.open()
        await harness.clean()
        before = await harness.engine._count_of_wakes()

        async with pushed_by(harness, {}):
            assert await harness.engine._count_of_wakes() == before

        assert await harness.engine._count_of_wakes() == before + 1


async def test_a_change_of_the_schema_does_not_line_up_all_others_behind_it(
    postgresql_url: str,
) -> None:
    async with around(postgresql_url, "changed") as harness:
        await harness.engine.open()
        await harness.session.execute(sql("forget_last_migration"))
        late = harness.another()

        async with application(harness) as holder, holder.transaction():
            await holder.execute(sql("lock_for_change"))
            async with deadline():
                with pytest.raises(EngineUnavailable, match="lock timeout"):
                    await late.open()

        await late.open()
        assert await push(late, job()) == [JobId(1)]
