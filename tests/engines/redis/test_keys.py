"""Everything of a store lies under one hash tag, and stores do not know each other."""

from datetime import timedelta

import pytest
from redis.crc import key_slot

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    MANY,
    QUEUE,
    TTL,
    assert_conserved,
    claims,
    everything,
    job,
    key,
    names,
    push,
    root,
    want,
)
from penstock.conformance.stories import one_of_each
from penstock.engine import ReadyQueue
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.keys import channel, id_text, keys, push_name, queue_name, queue_of
from penstock.job import MAX_STORE_NUMBER, SEQUENCE_SPAN, JobId, Presence, QueueKey, first_id
from tests.engines.redis.harness import RedisHarness

HOUR = timedelta(hours=1)
HOSTILE = [QueueKey(domain, type) for domain in HOSTILE_TEXTS for type in HOSTILE_TEXTS]


@pytest.mark.server
async def test_all_keys_of_a_used_store_lie_in_one_slot(harness: RedisHarness) -> None:
    await _use(harness.engine)

    found = await harness.names("*penstock*")

    beginnings = tuple(set(keys(0)) - {channel(0)})
    assert {key_slot(name.encode()) for name in found} == {key_slot(b"{penstock:0}")}
    assert all(name.startswith(beginnings) for name in found)
    assert [each for each in beginnings if not any(name.startswith(each) for name in found)] == []


@pytest.mark.server
async def test_only_roots_and_pushes_are_forgotten_by_the_server(harness: RedisHarness) -> None:
    await _use(harness.engine)

    expiring = {name for name in await harness.names() if await harness.stranger.ttl(name) != -1}

    assert {name.split(":")[2] for name in expiring} == {"root", "idempotency"}


@pytest.mark.server
async def test_a_store_that_was_emptied_by_its_users_holds_nothing_of_its_jobs(
    harness: RedisHarness,
) -> None:
    engine = harness.engine
    await _use(engine)

    ids = [stored.id for stored in await everything(engine)]
    await harness.age(TTL + HOUR)
    await engine.reclaim(MANY, ttl=TTL, worker="w")
    await engine.delete(ids)

    found = {name.split(":")[2] for name in await harness.names()}
    assert not found & {"job", "jobs", "dedupe", "due", "held", "kept"}
    await assert_conserved(engine)


@pytest.mark.server
async def test_queues_without_ready_jobs_are_not_looked_at_again(harness: RedisHarness) -> None:
    queues = [QueueKey(f"tenant-{n}", "mail") for n in range(20)]
    await push(harness.engine, *(job(queue=queue) for queue in queues))
    await claims(harness.engine, *map(want, queues[1:]))

    assert [found.queue for found in await harness.engine.ready(["mail"], limit=9)] == queues[:1]

    assert await harness.stranger.zcard("{penstock:0}:open:mail") == 1


@pytest.mark.server
async def test_two_stores_of_one_server_do_not_touch_each_other(harness: RedisHarness) -> None:
    last = RedisEngine(harness.url, number=MAX_STORE_NUMBER)
    await last.open()
    try:
        await push(harness.engine, job("of the first"), job("scheduled", delay=HOUR))
        ids = await push(last, job("low", priority=1), job("high", priority=999))

        assert ids == [first_id(MAX_STORE_NUMBER), first_id(MAX_STORE_NUMBER) + 1]
        assert names(await claims(last, want(limit=1))) == ["high"]
        assert await last.ready([QUEUE.type], limit=9) == [ReadyQueue(queue=QUEUE, priority=1)]
        assert [stored.id for stored in await everything(last)] == ids[::-1]
        assert [stored.id for stored in await everything(harness.engine)] == [2, 1]
        assert last.identity.number == MAX_STORE_NUMBER
        assert last.identity.uuid != harness.engine.identity.uuid
    finally:
        await harness.stranger.unlink(*await harness.names(f"{{penstock:{MAX_STORE_NUMBER}}}:*"))
        await last.close()


@pytest.mark.parametrize("queue", [*HOSTILE, QueueKey("default", "http")])
def test_the_name_of_a_queue_can_be_read_back(queue: QueueKey) -> None:
    assert queue_of(queue_name(queue).encode()) == queue


def test_names_are_told_apart_however_they_are_cut() -> None:
    assert queue_name(QueueKey("a/b", "c")) != queue_name(QueueKey("a", "b/c"))
    assert push_name("a/b", "c", 0) != push_name("a", "b/c", 0)
    assert push_name("a", "1/c", 0) != push_name("a", "c", 1)
    assert push_name("a", "c", 11) != push_name("a", "1/c", 1)


def test_ids_stand_in_their_order_as_text_too() -> None:
    ids = [JobId(n) for n in (1, 9, 10, 99, SEQUENCE_SPAN, 899 * SEQUENCE_SPAN + 5)]

    assert sorted(map(id_text, ids)) == list(map(id_text, ids))
    assert {len(id_text(id)) for id in ids} == {16}


async def _use(engine: RedisEngine) -> None:
    await one_of_each(engine)
    await push(
        engine,
        job("keyed", dedupe_key="k", idempotency=key(), root=root(1)),
        job("scheduled", delay=HOUR),
    )
    await engine.pause([QueueKey("paused", "queue")])
    await engine.announce(Presence(worker="w", slots=1), HOUR)
