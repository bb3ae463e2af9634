"""Batches beyond what a script can spread on its stack, and orders over many pages."""

import pytest

from penstock.conformance.builders import (
    OTHER,
    TTL,
    assert_conserved,
    claims,
    counts_of,
    job,
    push,
    want,
)
from penstock.conformance.stories import then
from penstock.engine import Ack, Renew, Retry
from penstock.job import Counts, On, Order
from tests.engines.redis.harness import RedisHarness

LARGE = 10_000

pytestmark = pytest.mark.server


@pytest.mark.slow
async def test_a_batch_of_ten_thousand_is_one_commit(harness: RedisHarness) -> None:
    engine = harness.engine

    ids = await push(engine, *(job(priority=n % 7) for n in range(LARGE)))
    held = await claims(engine, want(limit=LARGE))
    assert len(held) == len(set(ids)) == LARGE
    assert {found.job.id for found in held} == set(ids)
    assert len([one for one in await engine.get(ids) if one]) == LARGE
    renewed = await engine.renew([Renew(ref=each.ref, ttl=TTL) for each in held])
    assert set(renewed) == {"held"}
    await engine.retry([Retry(ref=each.ref, after=TTL * 0, error="again") for each in held])
    again = await engine.claim_ids(ids, ttl=TTL, worker="w")
    after = then(On.DONE, job(queue=OTHER))
    assert all(await engine.ack([Ack(ref=each.ref, follow_ups=after) for each in again]))

    assert await counts_of(engine) == Counts(done=LARGE, pushed=LARGE)
    assert await counts_of(engine, OTHER) == Counts(ready=LARGE, pushed=LARGE)


async def test_fifo_is_the_order_of_ids_over_all_priorities_and_pages(
    harness: RedisHarness,
) -> None:
    engine = harness.engine
    priorities = [0, 1000, 500, 3, 1000, 999, 0, 1]
    ids = await push(engine, *(job(priority=priorities[n % 8]) for n in range(640)))

    first = await claims(engine, want(order=Order.FIFO, limit=250))
    floored = await claims(engine, want(order=Order.FIFO, limit=100, floor=500))
    rest = await claims(engine, want(order=Order.FIFO))

    assert [held.job.id for held in first] == ids[:250]
    assert [held.job.id for held in floored] == [
        id for n, id in enumerate(ids) if n >= 250 and priorities[n % 8] >= 500
    ][:100]
    assert [held.job.id for held in rest] == sorted(
        set(ids[250:]) - {held.job.id for held in floored}
    )
    await assert_conserved(engine)


async def test_by_chance_gives_each_job_once_and_not_always_the_same(harness: RedisHarness) -> None:
    engine = harness.engine
    ids = await push(engine, *(job(priority=n % 3) for n in range(200)))

    drawn = [
        [held.job.id for held in await claims(engine, want(order=Order.RANDOM, limit=20))]
        for _ in range(10)
    ]

    given = [id for share in drawn for id in share]
    assert sorted(given) == ids
    assert given != ids
    ranks = {tuple(id % 20 for id in share) for share in drawn}
    assert len(ranks) > 1
