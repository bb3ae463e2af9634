"""Lifetime: opening and closing lose nothing that was answered, and twice is fine."""

import asyncio

from penstock.conformance.builders import (
    HOUR,
    OTHER,
    QUEUE,
    SOON,
    TTL,
    WORKER,
    assert_conserved,
    claims,
    counts_of,
    deadline,
    everything,
    job,
    jobs,
    name_of,
    names,
    push,
    push_one,
    read,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each
from penstock.engine import Ack, Feature
from penstock.job import JobId, Presence, QueueKey


async def test_opening_twice_is_fine(harness: Harness) -> None:
    id = await push_one(harness.engine, job("a"))

    await harness.engine.open()
    await harness.engine.open()

    assert name_of(await read(harness.engine, id)) == "a"
    assert await push_one(harness.engine, job("b")) != id


async def test_opening_twice_at_once_is_fine(harness: Harness) -> None:
    await asyncio.gather(harness.engine.open(), harness.engine.open())

    assert await push_one(harness.engine, job()) > 0


async def test_closing_twice_is_fine(harness: Harness) -> None:
    await push(harness.engine, job("a"))

    await harness.engine.close()
    await harness.engine.close()
    await harness.reopen()

    assert names(await claims(harness.engine)) == ["a"]


async def test_a_closed_engine_can_be_opened_again(harness: Harness) -> None:
    await push(harness.engine, job("a"))

    for _ in range(3):
        await harness.engine.close()
        await harness.engine.open()

    assert names(await claims(harness.engine)) == ["a"]


async def test_the_identity_is_kept_in_the_store(harness: Harness) -> None:
    before = harness.engine.identity

    await harness.reopen()

    assert harness.engine.identity == before
    assert before.number == 0
    assert before.uuid


@needs(Feature.DURABLE)
async def test_the_identity_survives_a_crash(harness: Harness) -> None:
    before = harness.engine.identity

    await harness.crash()

    assert harness.engine.identity == before


@needs(Feature.SHARED)
async def test_all_processes_see_the_same_identity(harness: Harness) -> None:
    another = await harness.second()

    assert another.identity == harness.engine.identity
    assert another.features == harness.engine.features


async def test_the_features_are_promises_that_stay(harness: Harness) -> None:
    before = harness.engine.features

    await harness.reopen()

    assert before <= frozenset(Feature)
    assert harness.engine.features == before


async def test_everything_is_there_after_reopen(harness: Harness) -> None:
    await one_of_each(harness.engine, QUEUE)
    await push(harness.engine, job("far", queue=OTHER))
    await harness.engine.pause([OTHER])
    await harness.engine.announce(Presence(worker=WORKER, slots=4), HOUR)
    before = await everything(harness.engine), await harness.engine.counts()

    await harness.reopen()

    assert (await everything(harness.engine), await harness.engine.counts()) == before
    assert await harness.engine.paused() == {OTHER}
    assert [one.worker for one in await harness.engine.workers()] == [WORKER]
    await assert_conserved(harness.engine)


@needs(Feature.DURABLE)
async def test_everything_is_there_after_a_crash(harness: Harness) -> None:
    await one_of_each(harness.engine, QUEUE)
    await harness.engine.pause([OTHER])
    before = await everything(harness.engine), await harness.engine.counts()

    await harness.crash()

    assert (await everything(harness.engine), await harness.engine.counts()) == before
    assert await harness.engine.paused() == {OTHER}
    await assert_conserved(harness.engine)


async def test_closing_ends_every_wait(harness: Harness) -> None:
    waiting = [asyncio.create_task(harness.engine.wait(HOUR)) for _ in range(3)]
    await asyncio.sleep(0)

    await harness.engine.close()

    done, pending = await asyncio.wait(waiting, timeout=SOON)
    await asyncio.gather(*done, return_exceptions=True)
    assert not pending
    await harness.engine.open()


async def test_whatever_was_answered_before_a_close_in_between_is_stored(harness: Harness) -> None:
    pushing = [asyncio.create_task(push_one(harness.engine, job(str(n)))) for n in range(40)]
    await asyncio.sleep(0)

    async with deadline():
        await harness.engine.close()
        answers = await asyncio.gather(*pushing, return_exceptions=True)
    await harness.reopen()

    answered = {str(n): id for n, id in enumerate(answers) if isinstance(id, int)}
    stored = await harness.engine.get([JobId(id) for id in answered.values()])
    assert names(one for one in stored if one) == list(answered)
    await assert_conserved(harness.engine)


@needs(Feature.SHARED)
async def test_one_process_goes_on_when_another_closes(harness: Harness) -> None:
    another = await harness.second()
    await push(another, *jobs("a", "b"))

    await another.close()

    given = await claims(harness.engine)
    assert names(given) == ["a", "b"]
    assert await harness.engine.ack([Ack(ref=held.ref) for held in given]) == [True, True]


@needs(Feature.SHARED, Feature.DURABLE)
async def test_one_process_goes_on_when_another_crashes(harness: Harness) -> None:
    another = await harness.second()
    id = await push_one(harness.engine, job())
    [held] = await another.claim_ids([id], ttl=TTL, worker=WORKER)

    await harness.crash()

    assert await another.ack([Ack(ref=held.ref)]) == [True]
    assert await push_one(another, job()) != id
    await assert_conserved(harness.engine)


async def test_a_queue_that_was_never_used_is_not_made_by_asking(harness: Harness) -> None:
    never = QueueKey("never", "used")

    await counts_of(harness.engine, never)
    await harness.engine.oldest([never])

    assert never not in await harness.engine.counts()
