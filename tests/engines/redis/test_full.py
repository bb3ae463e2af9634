"""A server without memory or disk: nothing is taken any more, but what is there goes on and is read."""

import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from penstock.conformance.builders import (
    HOUR,
    MANY,
    OTHER,
    QUEUE,
    TTL,
    assert_conserved,
    claim_one,
    claims,
    counts_of,
    deadline,
    job,
    jobs,
    names,
    push,
    read,
    root,
    want,
)
from penstock.conformance.stories import then
from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Engine,
    Registration,
    Release,
    Renew,
    Retry,
)
from penstock.errors import EngineUnavailable
from penstock.job import Claim, Counts, On, Presence, Progress, QueueKey, State
from tests.engines.redis.harness import RedisHarness
from tests.servers import running
from tests.servers.redis import Server

pytestmark = pytest.mark.server

UNLIMITED = resource.RLIM_INFINITY


@asynccontextmanager
async def no_memory_left(harness: RedisHarness) -> AsyncIterator[None]:
    if not harness.is_private:
        pytest.skip("the memory of a given server is not ours to limit")
    await harness.stranger.config_set("maxmemory", "1")
    try:
        yield
    finally:
        await harness.stranger.config_set("maxmemory", "0")


async def test_a_full_server_stores_nothing_and_loses_nothing(harness: RedisHarness) -> None:
    engine = harness.engine
    await push(engine, job("before", dedupe_key="k", priority=1))

    async with no_memory_left(harness):
        with pytest.raises(EngineUnavailable, match="memory"):
            await push(engine, *jobs("never", "neither"))
        with pytest.raises(EngineUnavailable, match="memory"):
            await push(engine, job("twin", dedupe_key="k", priority=9), job("never"))
        with pytest.raises(EngineUnavailable, match="memory"):
            await engine.register([Registration(queue=QUEUE, root=root(1))])
        assert await counts_of(engine) == Counts(ready=1, pushed=1)

    [held] = await claims(engine)
    assert (held.job.details, held.job.priority) == (job("before").details, 1)
    await assert_conserved(engine)


async def test_on_a_full_server_every_claim_can_be_renewed_and_ended(
    harness: RedisHarness,
) -> None:
    engine = harness.engine
    await push(engine, *jobs(*"abcdef"))
    renewed, done, dead, cancelled, later, back = await claims(engine)
    after = then(On.DONE, job("after", queue=OTHER))

    async with no_memory_left(harness):
        progress = Progress(percent=50.0, message="half")
        assert await engine.renew([Renew(ref=renewed.ref, ttl=HOUR, progress=progress)]) == ["held"]
        assert await engine.ack([Ack(ref=done.ref, result="1", follow_ups=after)]) == [True]
        assert await engine.bury([Bury(ref=dead.ref, error="boom", follow_ups=after)]) == [True]
        asked = Cancel(id=cancelled.job.id)
        assert await engine.cancel([asked]) == [CancelAnswer.ASKED]
        ended = Cancel(id=cancelled.job.id, fence=cancelled.ref.fence)
        assert await engine.cancel([ended]) == [CancelAnswer.CANCELLED]
        assert await engine.retry([Retry(ref=later.ref, after=HOUR, error="x")]) == ["held"]
        assert await engine.release([Release(ref=back.ref)]) == ["held"]

        assert (await read(engine, renewed.job.id)).progress == progress
        counts = Counts(claimed=1, done=1, dead=1, cancelled=1, scheduled=1, ready=1, pushed=6)
        assert await counts_of(engine) == counts

    await assert_conserved(engine)


async def test_on_a_full_server_jobs_are_handed_out_and_upkeep_goes_on(
    harness: RedisHarness,
) -> None:
    engine = harness.engine
    [first] = await push(engine, job("first"))
    await engine.claim([want(ttl=TTL)], "lost")
    await push(engine, job("ready", dedupe_key="k"), job("due", delay=TTL))
    [paused] = await push(engine, job("paused", queue=OTHER))
    await harness.age(TTL * 2)

    async with no_memory_left(harness):
        assert (await engine.promote(MANY)).count == 1
        assert (await engine.reclaim(MANY, ttl=TTL, worker="w")).readied == 1
        await engine.announce(Presence(worker="w", slots=1), HOUR)
        assert [each.worker for each in await engine.workers()] == ["w"]
        await engine.pause([OTHER])
        assert await claims(engine, want(OTHER)) == []
        await engine.resume([OTHER])
        assert names(await claims(engine, worker="w")) == ["first", "ready", "due"]
        assert [held.job.id for held in await engine.claim_ids([paused], ttl=TTL, worker="w")]
        assert await engine.forget("w") == 4
        assert (await engine.reclaim(MANY, ttl=TTL, worker="v")).readied == 4
        [held] = await engine.claim_ids([first], ttl=TTL, worker="v")
        await engine.bury([Bury(ref=held.ref, error="boom")])
        assert await engine.requeue([first]) == [True]
        assert await engine.delete([first]) == [True]

    await assert_conserved(engine)


async def test_on_a_full_server_what_was_kept_long_enough_makes_room(harness: RedisHarness) -> None:
    engine = harness.engine
    await push(engine, *jobs(*"abc"))
    await engine.ack([Ack(ref=held.ref) for held in await claims(engine)])
    await harness.age(HOUR * 48)

    async with no_memory_left(harness):
        assert await engine.purge(MANY) == 3

    assert await counts_of(engine) == Counts(deleted=3, pushed=3)


@pytest.fixture
def without_disk() -> Iterator[Server]:
    """A server that writes to disk once a second, and may be kept from that."""
    server = Server({"appendfsync": "everysec"})
    with running(server.serve):
        yield server


async def test_a_server_that_cannot_write_takes_nothing_until_it_can(without_disk: Server) -> None:
    async with RedisHarness(without_disk.url, without_disk) as harness:
        engine = harness.engine
        [id] = await push(engine, job("before"))
        held = await claim_one(engine)

        without_disk.limit_files(1)
        try:
            with pytest.raises(EngineUnavailable, match="Errors writing to the AOF file"):
                await _push_until_it_is_noticed(engine)
            with pytest.raises(EngineUnavailable, match="cannot ack now"):
                await engine.ack([Ack(ref=held.ref)])
            assert (await read(engine, id)).state is State.CLAIMED
        finally:
            without_disk.limit_files(UNLIMITED)

        await _ack_as_soon_as_it_can_be(engine, held)
        await assert_conserved(engine)


async def test_a_durable_server_that_cannot_write_is_gone_and_has_lost_nothing() -> None:
    server = Server()
    with running(server.serve):
        if not server.is_private:
            pytest.skip("a given server is not ours to fill")
        async with RedisHarness(server.url, server) as harness:
            [id] = await push(harness.engine, job("before"))

            server.limit_files(1)
            with pytest.raises(EngineUnavailable):
                await push(harness.engine, job("never"))
            server.kill()
            server.start()

            assert (await read(harness.engine, id)).state is State.READY
            assert await counts_of(harness.engine) == Counts(ready=1, pushed=1)


async def _push_until_it_is_noticed(engine: Engine) -> None:
    """What is taken before that stays in the memory of the server, and is written later."""
    async with deadline():
        while True:
            await push(engine, job("x" * 4096, queue=QueueKey("default", "filler")))


async def _ack_as_soon_as_it_can_be(engine: Engine, held: Claim) -> None:
    async with deadline():
        while True:
            with suppress(EngineUnavailable):
                assert await engine.ack([Ack(ref=held.ref)]) == [True]
                return
