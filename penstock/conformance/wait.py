"""Wait: whoever waits is told soon that a job may be ready, even if he was not waiting yet."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    SOON,
    TTL,
    claim_one,
    claimed_job,
    deadline,
    expire,
    job,
    push,
    push_one,
    put,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import Ack, Engine, Feature, Release, Retry
from penstock.job import FollowUp, On, State

MOMENT = timedelta(milliseconds=20)


async def test_an_idle_store_is_told_at_the_timeout(harness: Harness) -> None:
    await _idle(harness.engine)
    started = asyncio.get_running_loop().time()

    told = [await harness.engine.wait(5 * MOMENT) for _ in range(3)]

    assert False in told
    assert asyncio.get_running_loop().time() - started >= MOMENT.total_seconds()


async def test_no_time_to_wait_is_an_answer_at_once(harness: Harness) -> None:
    async with deadline():
        for _ in range(5):
            await harness.engine.wait(NOTHING)


async def test_a_push_wakes_whoever_waits(harness: Harness) -> None:
    await _idle(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(harness.engine, job())

    await _assert_true(waiting)


async def test_a_push_between_two_waits_is_not_missed(harness: Harness) -> None:
    await _idle(harness.engine)

    await push(harness.engine, job())

    await _assert_woken(harness.engine)


async def test_a_push_between_the_waits_of_two_tasks_is_not_missed(harness: Harness) -> None:
    await _idle(harness.engine)
    await asyncio.create_task(harness.engine.wait(NOTHING))

    await push(harness.engine, job())

    # A process waits once for all who wait in it, and in a task that lives no longer than one wait.
    await _assert_true(asyncio.create_task(harness.engine.wait(HOUR)))


async def test_a_push_is_not_missed_however_it_falls_between_looking_and_waiting(
    harness: Harness,
) -> None:
    for steps in range(6):
        await _idle(harness.engine)

        async def push_after(steps: int = steps) -> None:
            for _ in range(steps):
                await asyncio.sleep(0)
            await push(harness.engine, job())

        pushing = asyncio.create_task(push_after())
        await _assert_woken(harness.engine)
        await pushing


async def test_every_waiter_is_woken(harness: Harness) -> None:
    await _idle(harness.engine)
    waiting = {asyncio.create_task(harness.engine.wait(HOUR)) for _ in range(12)}
    await asyncio.sleep(0)

    # A waiter that began only after the first push may miss it; one push that wakes one may not.
    for _ in range(3):
        await push(harness.engine, job())
        _, waiting = await asyncio.wait(waiting, timeout=SOON / 5)
        if not waiting:
            break

    assert not waiting


async def test_a_waiter_that_gives_up_does_not_deafen_the_others(harness: Harness) -> None:
    await _idle(harness.engine)
    impatient, patient = (asyncio.create_task(harness.engine.wait(HOUR)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)

    await push(harness.engine, job())

    await _assert_true(patient)


async def test_whoever_waits_holds_nobody_up(harness: Harness) -> None:
    await _idle(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    async with deadline():
        await push(harness.engine, job())
        held = await claim_one(harness.engine)
        assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]

    await _assert_true(waiting)


@needs(Feature.DELAY)
async def test_a_duplicate_that_makes_its_twin_ready_wakes(harness: Harness) -> None:
    await push(harness.engine, job(dedupe_key="key", delay=HOUR))
    await _idle(harness.engine)

    await push(harness.engine, job(dedupe_key="key"))

    await _assert_woken(harness.engine)


@needs(Feature.DELAY)
async def test_a_promotion_wakes(harness: Harness) -> None:
    await push(harness.engine, job(delay=MINUTE))
    await harness.age(MINUTE + SECOND)
    await _idle(harness.engine)

    assert (await harness.engine.promote(MANY)).count == 1

    await _assert_woken(harness.engine)


async def test_a_retry_wakes(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await _idle(harness.engine)

    await harness.engine.retry([Retry(ref=held.ref, after=NOTHING, error="boom")])

    await _assert_woken(harness.engine)


async def test_a_release_wakes(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await _idle(harness.engine)

    await harness.engine.release([Release(ref=held.ref)])

    await _assert_woken(harness.engine)


async def test_a_reclaim_wakes(harness: Harness) -> None:
    await claimed_job(harness.engine)
    await expire(harness)
    await _idle(harness.engine)

    assert (await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).readied == 1

    await _assert_woken(harness.engine)


async def test_a_requeue_wakes(harness: Harness) -> None:
    id = await put(harness.engine, State.DEAD)
    await _idle(harness.engine)

    await harness.engine.requeue([id])

    await _assert_woken(harness.engine)


async def test_a_resume_wakes(harness: Harness) -> None:
    await push(harness.engine, job())
    await harness.engine.pause([QUEUE])
    await _idle(harness.engine)

    await harness.engine.resume([QUEUE])

    await _assert_woken(harness.engine)


async def test_a_follow_up_wakes(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await _idle(harness.engine)

    follow_up = FollowUp(on=On.DONE, job=job(queue=OTHER))
    await harness.engine.ack([Ack(ref=held.ref, follow_ups=[follow_up])])

    await _assert_woken(harness.engine)


async def test_a_push_wakes_after_reopen(harness: Harness) -> None:
    await harness.reopen()
    await _idle(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(harness.engine, job())

    await _assert_true(waiting)


@needs(Feature.SHARED, Feature.WAIT)
async def test_a_push_of_another_process_wakes(harness: Harness) -> None:
    another = await harness.second()
    for near, far in ((harness.engine, another), (another, harness.engine)):
        await _idle(near)
        waiting = asyncio.create_task(near.wait(HOUR))
        await asyncio.sleep(0)

        await push(far, job())

        await _assert_true(waiting)


@needs(Feature.SHARED, Feature.WAIT)
async def test_a_push_of_another_process_between_two_waits_is_not_missed(
    harness: Harness,
) -> None:
    another = await harness.second()
    await _idle(harness.engine)

    await push(another, job())

    await _assert_woken(harness.engine)


@needs(Feature.SHARED, Feature.WAIT)
async def test_waiters_of_all_processes_are_woken(harness: Harness) -> None:
    engines = [harness.engine, await harness.second(), await harness.second()]
    for engine in engines:
        await _idle(engine)

    await push_one(engines[0], job())

    for engine in engines:
        await _assert_woken(engine)


@needs(Feature.SHARED, Feature.WAIT)
async def test_a_crash_of_one_process_does_not_deafen_the_other(harness: Harness) -> None:
    another = await harness.second()
    await harness.crash()
    await _idle(another)
    await _idle(harness.engine)

    await push(harness.engine, job())
    await _assert_woken(another)

    await push(another, job())
    await _assert_woken(harness.engine)


async def _idle(engine: Engine) -> None:
    """Wait until the engine has nothing more to tell: its last wait began after all that happened."""
    told = [await engine.wait(MOMENT) for _ in range(2)]
    while told[-1]:
        assert len(told) < MANY, "wait tells of new jobs for ever where nothing happens"
        told.append(await engine.wait(MOMENT))


async def _assert_woken(engine: Engine) -> None:
    await _assert_true(engine.wait(HOUR))


async def _assert_true(waiting: Awaitable[bool]) -> None:
    async with deadline():
        assert await waiting
