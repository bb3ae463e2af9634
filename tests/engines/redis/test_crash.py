"""The server is killed while it works: what was answered is there, and every batch is whole or absent."""

import asyncio

import pytest

from penstock.conformance.builders import OTHER, QUEUE, TTL, assert_conserved, job, jobs, push, want
from penstock.conformance.stories import then
from penstock.engine import Ack
from penstock.errors import EngineUnavailable
from penstock.job import JobId, On, State
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server

BATCH = 20

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _private(redis_server: Server) -> None:
    if not redis_server.is_private:
        pytest.skip("a given server is not ours to kill")


async def test_every_answered_job_is_there_after_a_kill(
    harness: RedisHarness, redis_server: Server
) -> None:
    answered: list[JobId] = []
    enough = asyncio.Event()

    async def push_until_it_breaks() -> None:
        while True:
            answered.extend(await push(harness.engine, *jobs(*"x" * BATCH)))
            if len(answered) > 40 * BATCH:
                enough.set()

    pushers = [asyncio.create_task(push_until_it_breaks()) for _ in range(4)]
    await enough.wait()
    redis_server.kill()
    broken = await asyncio.gather(*pushers, return_exceptions=True)
    redis_server.start()

    assert {type(each) for each in broken} == {EngineUnavailable}
    assert None not in await harness.engine.get(answered)
    counts = (await harness.engine.counts([QUEUE]))[QUEUE]
    assert counts.ready % BATCH == 0, "a batch was torn"
    await assert_conserved(harness.engine)


async def test_every_answered_end_holds_after_a_kill_and_none_is_torn(
    harness: RedisHarness, redis_server: Server
) -> None:
    engine = harness.engine
    await push(engine, *jobs(*map(str, range(1000))))
    claims = (await engine.claim([want(ttl=TTL)], "w")).claims
    enough = asyncio.Event()
    answered: list[JobId] = []

    async def ack_one_by_one(share: int) -> None:
        for held in claims[share::4]:
            after = then(On.DONE, job(queue=OTHER))
            assert await engine.ack([Ack(ref=held.ref, follow_ups=after)]) == [True]
            answered.append(held.job.id)
            if len(answered) > 100:
                enough.set()

    ackers = [asyncio.create_task(ack_one_by_one(share)) for share in range(4)]
    await enough.wait()
    redis_server.kill()
    broken = await asyncio.gather(*ackers, return_exceptions=True)
    redis_server.start()

    assert {type(each) for each in broken} == {EngineUnavailable}
    found = [found for found in await engine.get(answered) if found is not None]
    assert {each.state for each in found} == {State.DONE}
    assert len(found) == len(answered)
    assert await engine.ack([Ack(ref=held.ref) for held in claims[:1]]) == [False]
    counts = await engine.counts([QUEUE, OTHER])
    assert 1000 > counts[QUEUE].done >= len(answered)
    assert counts[OTHER].ready == counts[QUEUE].done
    await assert_conserved(engine)
