"""Connections that want the same at once."""

import asyncio
from collections import Counter

import pytest

from penstock.conformance.builders import (
    QUEUE,
    TTL,
    assert_conserved,
    counts_of,
    job,
    jobs,
    push,
    want,
)
from penstock.engine import Engine
from penstock.job import Claim, Counts
from tests.engines.redis.harness import RedisHarness

pytestmark = pytest.mark.server


async def test_two_connections_that_claim_at_once_never_get_the_same_job(
    harness: RedisHarness,
) -> None:
    one, two = harness.engine, await harness.second()
    await push(one, *jobs(*map(str, range(600))))

    shares = await asyncio.gather(*(_drain(engine) for engine in (one, two, one, two)))

    given = Counter(held.job.id for share in shares for held in share)
    assert len(given) == 600
    assert set(given.values()) == {1}
    assert sum(map(bool, shares)) > 1, "one connection got everything: nothing was raced for"
    assert {held.job.fence for share in shares for held in share} == {1}
    await assert_conserved(one)


async def test_connections_that_push_equal_jobs_at_once_store_one(harness: RedisHarness) -> None:
    one, two = harness.engine, await harness.second()
    equal = [job(str(n), dedupe_key=f"key {n % 5}", priority=n) for n in range(50)]

    answers = await asyncio.gather(*(engine.push(equal) for engine in (one, two) * 10))

    ids = {pushed.id for answer in answers for pushed in answer}
    stored = [pushed for answer in answers for pushed in answer if not pushed.deduplicated]
    assert len(ids) == len(stored) == 5
    assert await counts_of(one) == Counts(ready=5, pushed=5)
    assert [held.job.priority for held in (await one.claim([want()], "w")).claims] == [
        49, 48, 47, 46, 45,
    ]  # fmt: skip
    await assert_conserved(one)


async def test_pushes_and_claims_of_equal_jobs_at_once_lose_none(harness: RedisHarness) -> None:
    one, two = harness.engine, await harness.second()

    async def push_many() -> int:
        answers = [await one.push([job(dedupe_key="k")]) for _ in range(150)]
        return sum(not pushed.deduplicated for [pushed] in answers)

    async def claim_many() -> int:
        return sum([len((await two.claim([want()], "w")).claims) for _ in range(150)])

    stored, claimed = await asyncio.gather(push_many(), claim_many())

    assert stored > 1, "nothing was claimed in between: nothing was raced for"
    assert stored == claimed + (await counts_of(one)).ready
    await assert_conserved(one)


async def test_a_cancelled_call_leaves_no_answer_for_the_next_one(harness: RedisHarness) -> None:
    engine = harness.engine
    ids = await push(engine, *jobs(*map(str, range(40))))

    for round_ in range(20):
        calls = [asyncio.create_task(engine.get([id])) for id in ids]
        for _ in range(round_):
            await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        found = zip(ids[1::2], answers[1::2], strict=True)
        assert all(isinstance(jobs, list) and jobs[0].id == id for id, jobs in found)


async def _drain(engine: Engine) -> list[Claim]:
    given: list[Claim] = []
    while claims := (await engine.claim([want(QUEUE, limit=7, ttl=TTL)], "w")).claims:
        given += claims
    return given
