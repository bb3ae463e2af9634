"""A server that is away, full, slow or spoiled: what is told, and that it passes."""

import asyncio
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from penstock.conformance.builders import (
    MANY,
    QUEUE,
    TTL,
    assert_conserved,
    claims,
    counts_of,
    job,
    jobs,
    names,
    push,
    want,
)
from penstock.engine import Ack
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.connection import CONNECTIONS
from penstock.engines.redis.keys import id_text
from penstock.engines.redis.trouble import translated
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import Counts, JobId
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server


@pytest.mark.server
async def test_a_server_that_is_away_is_unavailable_until_it_is_back(
    harness: RedisHarness, redis_server: Server
) -> None:
    if not redis_server.is_private:
        pytest.skip("a given server is not ours to kill")
    await push(harness.engine, job("before"))

    redis_server.kill()
    with pytest.raises(EngineUnavailable, match="redis cannot push now"):
        await push(harness.engine, job("never"))
    with pytest.raises(EngineUnavailable, match="redis cannot get now"):
        await harness.engine.get([JobId(1)])
    redis_server.start()

    await push(harness.engine, job("after"))
    assert names(await claims(harness.engine)) == ["before", "after"]


async def test_a_server_that_was_never_there_is_unavailable(tmp_path: Path) -> None:
    engine = RedisEngine(f"redis:///0?socket={tmp_path}/none.sock")

    with pytest.raises(EngineUnavailable, match="redis cannot open now"):
        await engine.open()


async def test_an_engine_that_is_not_open_says_so() -> None:
    engine = RedisEngine("redis://127.0.0.1:1/0")

    with pytest.raises(EngineError, match=r"not open; await open\(\) first"):
        await push(engine, job())
    await engine.close()


@pytest.mark.server
async def test_a_full_server_stores_nothing_and_loses_nothing(
    harness: RedisHarness, redis_server: Server
) -> None:
    if not redis_server.is_private:
        pytest.skip("the memory of a given server is not ours to limit")
    await push(harness.engine, job("before"))

    await harness.stranger.config_set("maxmemory", "1")
    with pytest.raises(EngineUnavailable, match="memory"):
        await push(harness.engine, *jobs("never", "neither"))
    await harness.stranger.config_set("maxmemory", "0")

    assert names(await claims(harness.engine)) == ["before"]
    await assert_conserved(harness.engine)


@pytest.mark.server
async def test_a_key_of_a_foreign_kind_is_an_error_that_names_the_verb(
    harness: RedisHarness,
) -> None:
    await harness.stranger.set("{penstock:0}:queues", "foreign")

    with pytest.raises(EngineError, match=r"redis cannot counts: .*WRONGTYPE") as caught:
        await harness.engine.counts()

    assert not isinstance(caught.value, EngineUnavailable)


@pytest.mark.server
async def test_jobs_whose_hash_was_taken_away_stop_nobody(harness: RedisHarness) -> None:
    engine = harness.engine
    ids = await push(engine, *jobs("gone", "stays", "gone too"))
    [scheduled] = await push(engine, job("scheduled", delay=TTL))
    held = (await engine.claim_ids([ids[2]], ttl=TTL, worker="w"))[0]

    for id in (ids[0], ids[2], scheduled):
        await harness.stranger.delete(f"{{penstock:0}}:job:{id_text(id)}")

    assert names(await claims(engine)) == ["stays"]
    assert await engine.ack([Ack(ref=held.ref)]) == [False]
    await harness.age(TTL * 2)
    assert (await engine.promote(MANY)).next_in is None
    assert (await engine.reclaim(MANY, ttl=TTL, worker="w")).readied == 1
    assert (await engine.claim([want()], "w")).claims[0].job.id == ids[1]


@pytest.mark.server
async def test_an_index_that_a_stranger_wrote_into_moves_no_job(harness: RedisHarness) -> None:
    engine = harness.engine
    [id] = await push(engine, job())
    [held] = await claims(engine)
    await engine.ack([Ack(ref=held.ref)])
    [done] = await engine.get([id])

    for index in ("jobs:ready:default/mail", "held", "due"):
        await harness.stranger.zadd(f"{{penstock:0}}:{index}", {id_text(id): 1})

    assert await claims(engine) == []
    assert (await engine.promote(MANY)).count == 0
    reclaimed = await engine.reclaim(MANY, ttl=TTL, worker="w")
    assert (reclaimed.readied, reclaimed.last) == (0, [])
    assert await engine.get([id]) == [done]
    await assert_conserved(engine)


@pytest.mark.server
async def test_a_key_whose_twin_was_taken_away_is_free(harness: RedisHarness) -> None:
    [id] = await push(harness.engine, job(dedupe_key="k"))
    await harness.stranger.delete(f"{{penstock:0}}:job:{id_text(id)}")

    [again] = await harness.engine.push([job(dedupe_key="k")])

    assert not again.deduplicated
    assert again.id > id


@pytest.mark.server
async def test_more_calls_than_connections_wait_for_one(harness: RedisHarness) -> None:
    before = (await harness.stranger.info("clients"))["connected_clients"]

    await asyncio.gather(*(push(harness.engine, job()) for _ in range(200)))

    assert await counts_of(harness.engine, QUEUE) == Counts(ready=200, pushed=200)
    after = (await harness.stranger.info("clients"))["connected_clients"]
    assert after - before < CONNECTIONS


PASSING: list[RedisError] = [
    ConnectionFailed("refused"),
    OutOfMemoryError("command not allowed"),
    ReadOnlyError("You can't write against a read only replica."),
    ResponseError("BUSY Redis is busy running a script."),
    ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_may_pass_is_unavailable(error: RedisError) -> None:
    assert isinstance(translated(error, "push"), EngineUnavailable)


def test_what_does_not_pass_is_an_error() -> None:
    found = translated(ResponseError("WRONGTYPE Operation against a key"), "push")

    assert type(found) is EngineError
    assert str(found) == "redis cannot push: WRONGTYPE Operation against a key"
