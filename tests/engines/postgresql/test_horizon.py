"""Claims begin where jobs may be ready, and not at the dead rows that an open transaction keeps; none is missed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from penstock.conformance.builders import (
    HOUR,
    NOTHING,
    QUEUE,
    TTL,
    claim_one,
    claims,
    expire,
    job,
    jobs,
    names,
    push,
    want,
)
from penstock.engine import Bury, ReadyQueue, Release, Retry
from penstock.engines.postgresql import PostgresqlEngine, arguments
from penstock.engines.postgresql.horizon import ENOUGH, Horizon
from penstock.engines.postgresql.statements import load
from penstock.job import Order
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

LONG = timedelta(days=1)
FAR = 10**9


async def far() -> int:
    return FAR


async def pass_by_the_first(engine: PostgresqlEngine) -> None:
    """The engine passes by the job with the id 1, until it learns better."""

    async def beyond() -> int:
        return 2

    engine._horizon = Horizon(beyond, LONG)
    assert await engine._horizon.id() == 2


async def look_far(engine: PostgresqlEngine) -> None:
    """The engine passes by every job, until it learns better."""
    engine._horizon = Horizon(far, LONG)
    assert await engine._horizon.id() == FAR


async def test_it_is_looked_up_from_time_to_time() -> None:
    found = iter(range(1, 9))

    async def look() -> int:
        return next(found)

    seldom, always = Horizon(look, LONG), Horizon(look, NOTHING)

    assert [await seldom.id(), await seldom.id()] == [1, 1]
    assert [await always.id(), await always.id()] == [2, 3]


async def test_it_is_lost_until_it_is_looked_up_again() -> None:
    horizon = Horizon(far, LONG)
    assert await horizon.id() == FAR

    horizon.lose()

    assert await horizon.id() == 0


async def test_what_was_lost_while_it_was_looked_up_stays_lost() -> None:
    looking, go_on = asyncio.Event(), asyncio.Event()

    async def look() -> int:
        looking.set()
        await go_on.wait()
        return FAR

    horizon = Horizon(look, LONG)
    asked = asyncio.create_task(horizon.id())
    await looking.wait()
    horizon.lose()
    go_on.set()

    assert await asked == 0


@pytest.mark.parametrize("order", Order)
async def test_dead_rows_before_the_first_job_are_not_looked_at(
    postgresql_url: str, order: Order
) -> None:
    async with around(postgresql_url, "horizon") as harness:
        await harness.engine.open()
        await harness.clean()
        await push(harness.engine, *jobs(*map(str, range(100))))
        holder = await asyncpg.connect(postgresql_url)
        try:
            async with holder.transaction(isolation="repeatable_read"):
                await holder.fetch(sql("flush"))
                await _leave_dead(harness, 2 * ENOUGH)

                found = await harness.engine._lowest_ready_id()

                assert found == 1
                dear = await _pages(harness, "claim", order, since=0)
                cheap = await _pages(harness, "claim", order, since=found)
                assert cheap < dear / 2, (cheap, dear)
        finally:
            await holder.close()


async def _leave_dead(harness: PostgresqlHarness, count: int) -> None:
    await harness.session.execute(sql("once_ready"), count)
    assert await harness.session.fetchval(sql("dead")) == count
    await harness.session.execute(sql("flush"))


async def _pages(harness: PostgresqlHarness, verb: str, order: Order, *, since: int) -> int:
    """How many pages the statement reads; what it claims is given back."""
    parameters = {
        "worker": "w",
        "whole_batch": 1000,
        "since": since,
        **arguments.of_wants([want(limit=10, order=order)]),
    }
    call = harness.engine._database._calls[verb]
    values = load(verb).arguments(parameters)
    transaction = harness.session.transaction()
    await transaction.start()
    [row] = await harness.session.fetch(f"explain (analyze, buffers, format json) {call}", *values)
    await transaction.rollback()
    plan = json.loads(row[0])[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_without_dead_rows_there_is_none(harness: PostgresqlHarness) -> None:
    await push(harness.engine, *jobs("a", "b"))

    assert await harness.engine._lowest_ready_id() == 0


async def test_a_claim_that_finds_nothing_looks_everywhere(harness: PostgresqlHarness) -> None:
    await push(harness.engine, *jobs("a", "b"))
    await look_far(harness.engine)

    assert names(await claims(harness.engine)) == ["a", "b"]


async def test_ready_queues_are_never_said_to_be_none(harness: PostgresqlHarness) -> None:
    await push(harness.engine, job("a"))
    await look_far(harness.engine)

    ready = await harness.engine.ready([QUEUE.type], limit=9)

    assert ready == [ReadyQueue(queue=QUEUE, priority=500)]


async def release(harness: PostgresqlHarness) -> None:
    held = await claim_one(harness.engine)
    await pass_by_the_first(harness.engine)
    await harness.engine.release([Release(ref=held.ref)])


async def retry(harness: PostgresqlHarness) -> None:
    held = await claim_one(harness.engine)
    await pass_by_the_first(harness.engine)
    await harness.engine.retry([Retry(ref=held.ref, after=NOTHING, error="")])


async def reclaim(harness: PostgresqlHarness) -> None:
    await claim_one(harness.engine)
    await expire(harness)
    await pass_by_the_first(harness.engine)
    await harness.engine.reclaim(9, ttl=TTL, worker="w")


async def requeue(harness: PostgresqlHarness) -> None:
    held = await claim_one(harness.engine)
    await harness.engine.bury([Bury(ref=held.ref, error="")])
    await pass_by_the_first(harness.engine)
    await harness.engine.requeue([held.job.id])


@pytest.mark.parametrize("line_up", [release, retry, reclaim, requeue])
async def test_what_this_process_lines_up_again_comes_first(
    harness: PostgresqlHarness, line_up: Callable[[PostgresqlHarness], Awaitable[None]]
) -> None:
    await push(harness.engine, job("first"))
    await line_up(harness)
    await push(harness.engine, job("second"))

    assert names(await claims(harness.engine)) == ["first", "second"]


async def test_what_this_process_promotes_comes_first(harness: PostgresqlHarness) -> None:
    await push(harness.engine, job("first", delay=HOUR))
    await harness.age(2 * HOUR)
    await pass_by_the_first(harness.engine)

    await harness.engine.promote(9)
    await push(harness.engine, job("second"))

    assert names(await claims(harness.engine)) == ["first", "second"]


async def test_a_twin_that_this_process_makes_ready_comes_first(harness: PostgresqlHarness) -> None:
    await push(harness.engine, job("first", delay=HOUR, dedupe_key="k"))
    await pass_by_the_first(harness.engine)

    await push(harness.engine, job("again", dedupe_key="k"))
    await push(harness.engine, job("second"))

    assert names(await claims(harness.engine)) == ["first", "second"]
