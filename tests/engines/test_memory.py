"""What is the memory engine's own: its object is its store, and its clock can be moved."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    QUEUE,
    RIVAL,
    TTL,
    claim,
    claimed_job,
    claims,
    deadline,
    everything,
    job,
    key,
    names,
    push,
    push_one,
    read,
    root,
)
from penstock.engine import Ack, Feature
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineError
from penstock.job import Presence, first_id

TICK = timedelta(microseconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> MemoryEngine:
    return MemoryEngine(clock=clock)


def test_it_promises_neither_durability_nor_other_processes(engine: MemoryEngine) -> None:
    assert engine.features == {Feature.ATOMIC, Feature.ORDER, Feature.DELAY, Feature.WAIT}


def test_the_url_of_another_engine_is_refused() -> None:
    with pytest.raises(EngineError, match="'redis://localhost' is none of the memory engine"):
        MemoryEngine("redis://localhost")


async def test_ids_start_at_the_first_of_the_stores_number() -> None:
    engine = MemoryEngine(number=7)

    ids = await push(engine, job("a"), job("b"))

    assert engine.identity.number == 7
    assert ids == [first_id(7), first_id(7) + 1]


async def test_two_engines_share_nothing() -> None:
    one, another = MemoryEngine(), MemoryEngine()

    await push(one, job("a"))

    assert await everything(another) == []
    assert one.identity.uuid != another.identity.uuid


async def test_closing_an_engine_that_was_never_opened_is_fine(engine: MemoryEngine) -> None:
    await engine.close()

    assert await push(engine, job()) == [first_id(0)]


async def test_without_a_clock_it_goes_by_that_of_the_host() -> None:
    engine = MemoryEngine()
    before = datetime.now(UTC)

    stored = await read(engine, await push_one(engine, job()))

    assert before <= stored.pushed_at <= datetime.now(UTC)


async def test_a_claim_expires_at_its_time_and_not_before(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    await claimed_job(engine, ttl=TTL)

    clock.tick(TTL - TICK)
    assert (await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).readied == 0

    clock.tick(TICK)
    assert (await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).readied == 1


async def test_a_job_is_due_at_its_time_and_not_before(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    await push(engine, job(delay=HOUR))

    clock.tick(HOUR - TICK)
    assert (await engine.promote(MANY)).next_in == TICK

    clock.tick(TICK)
    promoted = await engine.promote(MANY)
    assert (promoted.count, promoted.next_in) == (1, None)


async def test_an_ended_job_is_purged_at_its_time_and_not_before(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    held = await claimed_job(engine)
    await engine.ack([Ack(ref=held.ref, keep=DAY)])

    clock.tick(DAY - TICK)
    assert await engine.purge(MANY) == 0

    clock.tick(TICK)
    assert await engine.purge(MANY) == 1


async def test_keys_are_forgotten_at_their_time_also_before_a_purge(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    await push(engine, job(idempotency=key()))

    clock.tick(DAY - TICK)
    [replay] = await engine.push([job(idempotency=key())])
    clock.tick(TICK)
    [pushed] = await engine.push([job(idempotency=key())])

    assert (replay.replayed, pushed.replayed) == (True, False)


async def test_roots_are_forgotten_at_their_time_also_before_a_purge(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    await push(engine, job("old", root=root(1)), job("new", root=root(2)))

    clock.tick(28 * DAY)

    assert names(await claims(engine)) == ["old", "new"]


async def test_presences_end_at_their_time_also_before_a_purge(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    await engine.announce(Presence(worker=RIVAL, slots=1), MINUTE)

    clock.tick(MINUTE - TICK)
    assert len(await engine.workers()) == 1

    clock.tick(TICK)
    assert await engine.workers() == []


async def test_a_purge_leaves_nothing_behind_of_what_it_forgets(
    engine: MemoryEngine, clock: ManualClock
) -> None:
    await push(engine, job(idempotency=key(), root=root(1)))
    await engine.announce(Presence(worker=RIVAL, slots=1), MINUTE)

    clock.tick(28 * DAY)
    await engine.purge(MANY)

    assert (engine._pushes, engine._roots, engine._presences) == ({}, {}, {})


async def test_asking_a_queue_that_was_never_used_leaves_nothing_behind(
    engine: MemoryEngine,
) -> None:
    await claim(engine)
    await engine.counts([QUEUE])
    await engine.oldest([QUEUE])

    assert not any(engine._standing.values())
    assert not engine._tallies


async def test_a_task_that_was_at_work_does_not_miss_what_woke_another(
    engine: MemoryEngine,
) -> None:
    back_to_work = asyncio.Event()
    both_told = asyncio.Event()

    async def busy() -> list[bool]:
        first = await engine.wait(NOTHING)
        back_to_work.set()
        await both_told.wait()
        return [first, await engine.wait(HOUR)]

    working = asyncio.create_task(busy())
    await back_to_work.wait()
    await push(engine, job())
    assert await engine.wait(HOUR)
    assert not await engine.wait(NOTHING)
    both_told.set()

    async with deadline():
        assert await working == [False, True]


async def test_resuming_a_queue_wakes_whoever_waits(engine: MemoryEngine) -> None:
    await engine.pause([QUEUE])
    assert not await engine.wait(NOTHING)

    await engine.resume([QUEUE])

    async with deadline():
        assert await engine.wait(HOUR)
