"""Waking: by what the server tells at a commit, by a look where it is not heard, and never by what readied nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from penstock.conformance.builders import (
    HOUR,
    NOTHING,
    OTHER,
    claim_one,
    claims,
    deadline,
    job,
    push,
    push_one,
)
from penstock.conformance.wait import MOMENT, _assert_true, _assert_woken, _idle
from penstock.engine import Ack
from penstock.engines.postgresql.connection import Transaction
from penstock.engines.postgresql.wake import Wake
from penstock.errors import EngineError
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

LONG = timedelta(days=1)


class Undone(Exception):
    """Takes back what a test has moved."""


def looking_at(counts: Iterator[int], pause: timedelta = NOTHING) -> Wake:
    """A wake that hears nothing, and whose looks find these counts."""

    async def listen() -> None:
        return

    async def look() -> int:
        return next(counts)

    wake = Wake(listen, look, pause, NOTHING)
    wake.open()
    return wake


async def rings(wake: Wake) -> int:
    """How often it rings until there is nothing left to look at."""
    before = wake._rings
    with suppress(RuntimeError):
        while True:
            await wake.wait(HOUR)
    return wake._rings - before


async def test_a_count_that_was_not_heard_rings_when_it_is_seen_and_twice_more() -> None:
    # A push that had counted but not committed yet would be missed by whoever is woken only once.
    assert await rings(looking_at(iter([0, 0, 3, 3, 3, 3, 3]))) == 3


async def test_after_news_it_is_looked_sooner() -> None:
    wake = looking_at(iter([5]), LONG)
    wake.hear(3)
    assert await wake.wait(HOUR)

    async with deadline():
        assert await wake.wait(HOUR)

    assert wake._heard == 5


async def test_a_count_that_was_heard_is_no_news_when_it_is_seen() -> None:
    wake = looking_at(iter([3, 3, 3, 3]))
    wake.hear(3)

    # Once more, for what had counted before but was committed after it.
    assert await rings(wake) == 1


async def test_whoever_waits_is_told_of_the_end() -> None:
    wake = looking_at(iter(()), LONG)
    waiting = asyncio.create_task(wake.wait(HOUR))
    await asyncio.sleep(0)

    wake.close()

    async with deadline():
        assert await waiting
    with pytest.raises(EngineError, match="not open"):
        await wake.wait(NOTHING)


async def test_many_who_wait_share_one_session(harness: PostgresqlHarness) -> None:
    await _idle(harness.engine)
    waiting = [asyncio.create_task(harness.engine.wait(HOUR)) for _ in range(9)]
    await asyncio.sleep(0)

    assert await harness.session.fetchval(sql("listening")) == 1

    await push(harness.engine, job())
    async with deadline():
        assert all(await asyncio.gather(*waiting))


async def test_what_is_heard_comes_long_before_a_look(harness: PostgresqlHarness) -> None:
    harness.engine._wake._pause = LONG
    await _idle(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(await harness.second(), job())

    await _assert_true(waiting)


async def test_a_push_is_found_where_nothing_is_heard(harness: PostgresqlHarness) -> None:
    await _idle(harness.engine)
    harness.engine._wake._pause = MOMENT
    listening = harness.engine._listener._session
    assert listening is not None
    await listening.execute(sql("unlisten"))

    await push(await harness.second(), job())

    await _assert_woken(harness.engine)


async def test_a_session_that_was_cut_is_opened_again(harness: PostgresqlHarness) -> None:
    other = await harness.second()
    await _idle(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)
    await harness.session.fetch(sql("cut"))

    # Something may have happened while nobody heard it.
    await _assert_true(waiting)
    harness.engine._wake._pause = LONG
    await _idle(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)
    await push(other, job())

    await _assert_true(waiting)


async def test_what_readies_nothing_wakes_nobody(harness: PostgresqlHarness) -> None:
    await push(harness.engine, job())
    await _idle(harness.engine)
    before = await harness.engine._count_of_wakes()

    held = await claim_one(harness.engine)
    await harness.engine.ack([Ack(ref=held.ref)])
    await push(harness.engine, job(queue=OTHER, delay=HOUR))

    assert await harness.engine._count_of_wakes() == before


async def test_in_a_burst_every_push_is_found(harness: PostgresqlHarness) -> None:
    harness.engine._wake._pause = LONG
    other = await harness.second()
    await _idle(harness.engine)

    # Whoever has claimed all there was waits for the next push, told or not.
    for _ in range(50):
        [id] = await push(other, job())
        while not (held := await claims(harness.engine)):
            await _assert_woken(harness.engine)
        assert [claim.job.id for claim in held] == [id]


async def test_a_call_counts_once_for_each_queue_that_it_readies(
    harness: PostgresqlHarness,
) -> None:
    await _idle(harness.engine)
    before = await harness.engine._count_of_wakes()

    await push(harness.engine, *(job() for _ in range(50)), *(job(queue=OTHER) for _ in range(50)))

    assert await harness.engine._count_of_wakes() == before + 2


async def test_what_is_taken_back_is_not_told(harness: PostgresqlHarness) -> None:
    harness.engine._wake._pause = LONG
    await _idle(harness.engine)
    id = await push_one(harness.engine, job(delay=HOUR))
    await harness.age(HOUR)

    async def promote(transaction: Transaction) -> None:
        [row] = await transaction.fetch("promote", limit=1)
        assert row["count"] == 1
        raise Undone

    with pytest.raises(Undone):
        await harness.engine._database.together(promote)

    assert not await harness.engine.wait(NOTHING)
    assert id


async def test_a_push_to_another_store_of_the_database_is_not_heard(
    postgresql_url: str, harness: PostgresqlHarness
) -> None:
    async with around(postgresql_url, "beside") as beside:
        await beside.engine.open()
        await _idle(harness.engine)
        await _idle(beside.engine)

        await push(beside.engine, job())

        await _assert_woken(beside.engine)
        assert not await harness.engine.wait(MOMENT)


async def test_what_others_say_on_the_channel_is_a_hint(harness: PostgresqlHarness) -> None:
    harness.engine._wake._pause = LONG
    await _idle(harness.engine)
    heard = harness.engine._wake._heard
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await harness.session.execute(sql("foreign"), harness.schema)

    await _assert_true(waiting)
    assert harness.engine._wake._heard == heard


async def test_who_had_waited_long_enough_at_the_close_does_not_listen_again() -> None:
    listened: list[bool] = []

    async def listen() -> None:
        listened.append(True)

    async def look() -> int:
        raise AssertionError("looked after the close")

    wake = Wake(listen, look, pause=timedelta(0))
    wake.open()
    waiting = asyncio.create_task(wake.wait(HOUR))
    for _ in range(2):  # its pause is over, and it has not noticed yet
        await asyncio.sleep(0)

    wake.close()

    assert await waiting
    assert listened == [True]
