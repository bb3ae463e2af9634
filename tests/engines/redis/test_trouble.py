"""A server that is away, full, slow or spoiled: what is told, and that it passes."""

import asyncio
import re
from pathlib import Path

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as ConnectionFailed

from penstock.conformance.builders import (
    MANY,
    NOTHING,
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
from penstock.job import Counts, JobId, first_id
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
async def test_a_key_of_a_foreign_kind_is_an_error_that_names_the_verb(
    harness: RedisHarness,
) -> None:
    await harness.stranger.set("{penstock:0}:queues", "foreign")

    with pytest.raises(EngineError, match=r"redis cannot list_queues: .*WRONGTYPE") as caught:
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


@pytest.mark.server
async def test_a_primary_that_became_a_replica_is_left_and_looked_up_again(
    harness: RedisHarness,
) -> None:
    if not harness.is_private:
        pytest.skip("a given server is not ours to demote")
    before = await _connections(harness)
    await harness.stranger.replicaof("127.0.0.1", "1")

    with pytest.raises(EngineUnavailable, match="redis cannot push now"):
        await push(harness.engine, job("never"))
    await harness.stranger.replicaof("NO", "ONE")

    await push(harness.engine, job("after"))
    assert not before & await _connections(harness)
    assert names(await claims(harness.engine)) == ["after"]


@pytest.mark.server
async def test_a_store_that_was_emptied_is_a_new_one_for_all_who_work_on_it(
    harness: RedisHarness, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = harness.engine, await harness.second()
    before = one.identity
    await push(one, *jobs("gone", "gone too"))
    await harness.empty()
    await one.wait(NOTHING)

    [pushed] = await one.push([job("new")])
    [held] = await claims(two)

    assert (pushed.id, held.job.id) == (1, 1)
    assert one.identity == two.identity
    assert one.identity.uuid != before.uuid
    assert one.identity.number == before.number
    assert before.uuid in caplog.text
    await assert_conserved(one)


@pytest.mark.server
async def test_a_store_with_a_number_keeps_it_when_it_was_emptied(harness: RedisHarness) -> None:
    third = RedisEngine(harness.url, number=3)
    await third.open()
    await push(third, *jobs("gone", "gone too"))
    await harness.stranger.unlink(*await harness.names("{penstock:3}:*"))

    assert await claims(third) == []
    assert await push(third, job()) == [first_id(3)]

    await third.close()
    await harness.stranger.unlink(*await harness.names("{penstock:3}:*"))


@pytest.mark.server
async def test_a_wrong_password_is_no_passing_trouble(harness: RedisHarness) -> None:
    wrong = RedisEngine(harness.url.replace("redis://", "redis://nobody:wrong@"))

    with pytest.raises(EngineError, match="redis cannot open: ") as refused:
        await wrong.open()

    assert not isinstance(refused.value, EngineUnavailable)


async def _connections(harness: RedisHarness) -> set[str]:
    """The addresses of those of engines."""
    listed = await harness.stranger.client_list()
    mine = await harness.stranger.client_id()
    return {each["id"] for each in listed if each["id"] != str(mine)}


INSIDE = (
    "Error running script (call to f_42): @user_script:11: @user_script: 11: "  # as 6.2 puts it
)
PASSING: list[RedisError] = [
    ConnectionFailed("refused"),
    BusyLoadingError("Redis is loading the dataset in memory"),
    OutOfMemoryError("command not allowed"),
    ReadOnlyError("You can't write against a read only replica."),
    ResponseError("BUSY Redis is busy running a script."),
    ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
    ResponseError(f"{INSIDE}-OOM command not allowed when used memory > 'maxmemory'."),
    ResponseError(f"{INSIDE}-MISCONF Errors writing to the AOF file: No space left on device"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_may_pass_is_unavailable(error: RedisError) -> None:
    assert isinstance(translated(error, "push"), EngineUnavailable)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ResponseError("WRONGTYPE Operation against a key"), "WRONGTYPE Operation"),
        (ResponseError(f"{INSIDE}-WRONGTYPE Operation against a key"), "WRONGTYPE Operation"),
        (AuthenticationError("invalid username-password pair"), "invalid username"),
        (MovedError("866 10.0.0.7:7001"), r"another node.*name 10\.0\.0\.7:7001 in the url"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_an_error(error: RedisError, told: str) -> None:
    found = translated(error, "push")

    assert type(found) is EngineError
    assert re.match(f"redis cannot push: .*{told}", str(found))
