"""Requeue: a dead job may run again from its first attempt; any other job is left alone."""

import asyncio

from penstock.conformance.builders import (
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    TTL,
    UNKNOWN_ID,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    expire,
    job,
    names,
    push,
    push_one,
    put,
    read,
    root,
    state_of,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import asked, one_of_each, then
from penstock.engine import Ack, Bury, Engine, Feature, Held, Release, Renew, Retry
from penstock.job import Claim, Counts, NewJob, On, State


async def test_requeue_makes_a_dead_job_ready_with_no_attempt_spent(harness: Harness) -> None:
    engine = harness.engine
    held = await _buried(engine, job(priority=7, max_attempts=2))

    assert await engine.requeue([held.job.id]) == [True]

    ready = await read(engine, held.job.id)
    assert (ready.state, ready.attempt, ready.fence, ready.priority) == (State.READY, 0, 1, 7)
    assert (ready.finished_at, ready.result, ready.error) == (None, None, "boom")
    assert (ready.params, ready.pushed_at) == (held.job.params, held.job.pushed_at)
    assert await counts_of(engine) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_a_requeued_job_is_claimed_with_a_higher_fence(harness: Harness) -> None:
    engine = harness.engine
    held = await _buried(engine)
    await engine.requeue([held.job.id])

    again = await claim_one(engine)

    assert (again.job.id, again.job.fence, again.job.attempt) == (held.job.id, 2, 1)
    assert await engine.ack([Ack(ref=held.ref), Ack(ref=again.ref)]) == [False, True]
    await assert_conserved(engine)


async def test_a_requeued_job_has_all_its_attempts_again(harness: Harness) -> None:
    engine = harness.engine
    held = await _buried(engine, job(max_attempts=2))
    await engine.requeue([held.job.id])
    await claim_one(engine)
    await expire(harness)
    assert (await engine.reclaim(MANY, ttl=TTL, worker="upkeep")).readied == 1
    await claim_one(engine)
    await expire(harness)

    [last] = (await engine.reclaim(MANY, ttl=TTL, worker="upkeep")).last

    assert (last.job.attempt, last.job.fence) == (2, 4)


async def test_the_worker_that_buried_a_job_changes_nothing_after_its_requeue(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await _buried(engine)
    await engine.requeue([held.job.id])

    async with untouched(engine, QUEUE):
        assert await engine.ack([Ack(ref=held.ref)]) == [False]
        assert await engine.bury([Bury(ref=held.ref, error="late")]) == [False]
        assert await engine.retry([Retry(ref=held.ref, after=NOTHING, error="x")]) == [Held.LOST]
        assert await engine.release([Release(ref=held.ref)]) == [Held.LOST]
        assert await engine.renew([Renew(ref=held.ref, ttl=TTL)]) == [Held.LOST]


async def test_requeue_moves_only_dead_jobs(harness: Harness) -> None:
    engine = harness.engine
    ids = await one_of_each(engine, QUEUE)
    del ids[State.DEAD]

    async with untouched(engine, QUEUE):
        answers = await engine.requeue([*ids.values(), UNKNOWN_ID])

    assert answers == [False] * (len(ids) + 1)
    await assert_conserved(engine)


async def test_requeue_answers_each_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    first, last = await put(engine, State.DEAD), await put(engine, State.DEAD)
    done = await put(engine, State.DONE)

    assert await engine.requeue([last, done, UNKNOWN_ID, first]) == [True, False, False, True]

    assert await counts_of(engine) == Counts(ready=2, done=1, pushed=3)
    await assert_conserved(engine)


async def test_requeue_of_one_job_twice_in_a_batch_moves_it_once(harness: Harness) -> None:
    engine = harness.engine
    id = await put(engine, State.DEAD)

    assert await engine.requeue([id, id]) == [True, False]

    assert await counts_of(engine) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_requeue_beside_a_waiting_twin_leaves_both_alive(harness: Harness) -> None:
    engine = harness.engine
    held = await _buried(engine, job("first", dedupe_key="k"))
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.requeue([held.job.id]) == [True]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)
    assert names(await claims(engine)) == ["first", "twin"]
    await assert_conserved(engine)


async def test_a_requeued_job_no_longer_carries_its_key(harness: Harness) -> None:
    engine = harness.engine
    held = await _buried(engine, job("first", dedupe_key="k"))
    await engine.requeue([held.job.id])

    [pushed] = await engine.push([job("twin", dedupe_key="k")])

    assert not pushed.deduplicated
    assert names(await claims(engine)) == ["first", "twin"]


async def test_a_requeued_job_was_claimed_and_is_not_superseded(harness: Harness) -> None:
    engine = harness.engine
    held = await _buried(engine, job("old", root=root(1)))
    await push(engine, job("new", root=root(2)))
    await engine.requeue([held.job.id])

    assert names(await claims(engine)) == ["old", "new"]


async def test_a_requeued_job_is_no_longer_asked_to_cancel(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)
    await engine.bury([Bury(ref=held.ref, error="boom")])
    await engine.requeue([held.job.id])

    again = await claim_one(engine)

    assert not again.job.cancel_requested
    assert await engine.renew([Renew(ref=again.ref, ttl=TTL)]) == [Held.HELD]


async def test_a_requeued_job_lists_only_the_follow_ups_of_its_last_end(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    failed = then(On.FAILED, job("failed", queue=OTHER))
    await engine.bury([Bury(ref=held.ref, error="boom", follow_ups=failed)])
    await engine.requeue([held.job.id])

    again = await claim_one(engine)
    done = then(On.DONE, job("done", queue=OTHER))
    await engine.ack([Ack(ref=again.ref, follow_ups=done)])

    [listed] = (await read(engine, held.job.id)).follow_ups
    assert listed.on is On.DONE
    assert names([await read(engine, listed.id)]) == ["done"]
    assert await counts_of(engine, OTHER) == Counts(ready=2, pushed=2)
    await assert_conserved(engine)


async def test_requeue_into_a_paused_queue_waits_there(harness: Harness) -> None:
    engine = harness.engine
    id = await put(engine, State.DEAD)
    await engine.pause([QUEUE])

    assert await engine.requeue([id]) == [True]

    assert await claims(engine) == []
    assert await state_of(engine, id) is State.READY


async def test_requeue_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    id = await put(engine, State.DEAD)

    async with untouched(engine, OTHER):
        assert await engine.requeue([id]) == [True]

    await assert_conserved(engine)


async def test_requeue_by_two_at_once_moves_each_job_once(harness: Harness) -> None:
    one, two = await both(harness)
    ids = [await put(one, State.DEAD) for _ in range(8)]

    answers = await asyncio.gather(one.requeue(ids), two.requeue(ids))

    assert [a + b for a, b in zip(*answers, strict=True)] == [1] * 8
    assert await counts_of(two) == Counts(ready=8, pushed=8)
    await assert_conserved(one)


async def test_requeue_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.requeue([]) == []


@needs(Feature.DURABLE)
async def test_requeue_survives_a_crash(harness: Harness) -> None:
    held = await _buried(harness.engine)
    await harness.engine.requeue([held.job.id])
    before = await read(harness.engine, held.job.id)

    await harness.crash()

    assert await read(harness.engine, held.job.id) == before
    assert (await claim_one(harness.engine)).job.fence == 2
    await assert_conserved(harness.engine)


async def _buried(engine: Engine, new: NewJob | None = None) -> Claim:
    held = await claimed_job(engine, new)
    assert await engine.bury([Bury(ref=held.ref, error="boom", result="1")]) == [True]
    return held
