"""Release: the holder gives the job back as if it had not begun; no other release does anything."""

import asyncio

from penstock.conformance.builders import (
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    SECOND,
    SOON,
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
    jobs,
    names,
    push,
    push_one,
    read,
    state_of,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import asked, not_held, one_of_each, overtaken
from penstock.engine import Ack, Cancel, CancelAnswer, Feature, Held, Release, Retry
from penstock.job import ClaimRef, Counts, State


async def test_release_gives_the_job_and_its_attempt_back(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(priority=7))

    assert await engine.release([Release(ref=held.ref)]) == [Held.HELD]

    ready = await read(engine, held.job.id)
    assert (ready.state, ready.error, ready.finished_at) == (State.READY, None, None)
    assert (ready.attempt, ready.fence, ready.priority) == (0, 1, 7)
    assert await counts_of(engine) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_a_released_job_is_claimed_with_the_next_fence_and_the_same_attempt(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.release([Release(ref=held.ref)])

    again = await claim_one(engine)

    assert (again.job.id, again.job.fence, again.job.attempt) == (held.job.id, 2, 1)
    assert await engine.ack([Ack(ref=held.ref), Ack(ref=again.ref)]) == [False, True]
    await assert_conserved(engine)


async def test_release_gives_back_only_the_attempt_of_its_claim(harness: Harness) -> None:
    engine = harness.engine
    first = await claimed_job(engine)
    await engine.retry([Retry(ref=first.ref, after=NOTHING, error="boom")])
    second = await claim_one(engine)

    await engine.release([Release(ref=second.ref)])

    ready = await read(engine, first.job.id)
    assert (ready.attempt, ready.fence, ready.error) == (1, 2, "boom")


@needs(Feature.DELAY)
async def test_release_after_a_while_makes_the_job_scheduled_until_then(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    assert await engine.release([Release(ref=held.ref, after=MINUTE)]) == [Held.HELD]

    scheduled = await read(engine, held.job.id)
    assert (scheduled.state, scheduled.attempt) == (State.SCHEDULED, 0)
    assert await counts_of(engine) == Counts(scheduled=1, pushed=1)
    await harness.age(MINUTE - SOON * SECOND)
    assert (await engine.promote(MANY)).count == 0
    await harness.age(SOON * SECOND)
    assert (await engine.promote(MANY)).count == 1
    assert (await claim_one(engine)).job.attempt == 1
    await assert_conserved(engine)


async def test_a_released_job_keeps_its_place_by_priority_and_id(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job("high", priority=900))
    high = await claim_one(engine)
    await push(
        engine, job("low", priority=100), job("higher", priority=901), job("b", priority=900)
    )

    await engine.release([Release(ref=high.ref)])

    assert names(await claims(engine)) == ["higher", "high", "b", "low"]


async def test_release_beside_a_waiting_twin_leaves_both_alive(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job("first", dedupe_key="k"))
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.release([Release(ref=held.ref)]) == [Held.HELD]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)
    assert names(await claims(engine)) == ["first", "twin"]
    await assert_conserved(engine)


async def test_a_released_job_no_longer_carries_its_key(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(dedupe_key="k"))

    await engine.release([Release(ref=held.ref)])

    [pushed] = await engine.push([job("twin", dedupe_key="k")])
    assert not pushed.deduplicated
    await assert_conserved(engine)


async def test_release_of_what_is_not_held_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    refs = await not_held(harness)

    async with untouched(engine, QUEUE):
        answers = await engine.release([Release(ref=ref) for ref in refs.values()])

    assert dict(zip(refs, answers, strict=True)) == dict.fromkeys(refs, Held.LOST)
    await assert_conserved(engine)


async def test_release_of_one_claim_twice_in_a_batch_gives_one_attempt_back(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    answers = await engine.release([Release(ref=held.ref)] * 2)

    assert answers == [Held.HELD, Held.LOST]
    assert (await read(engine, held.job.id)).attempt == 0
    await assert_conserved(engine)


async def test_release_of_a_job_that_is_asked_to_cancel_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)

    async with untouched(engine, QUEUE):
        answers = await engine.release([Release(ref=held.ref), Release(ref=held.ref, after=MINUTE)])

    assert answers == [Held.CANCEL_ASKED, Held.CANCEL_ASKED]
    end = Cancel(id=held.job.id, fence=held.ref.fence)
    assert await engine.cancel([end]) == [CancelAnswer.CANCELLED]
    await assert_conserved(engine)


async def test_release_answers_every_kind_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    wanted = await asked(engine)
    held = await claimed_job(engine)
    refs = (wanted.ref, held.ref, ClaimRef(UNKNOWN_ID, 1), fresh.ref, late.ref)

    answers = await engine.release([Release(ref=ref) for ref in refs])

    assert answers == [Held.CANCEL_ASKED, Held.HELD, Held.LOST, Held.HELD, Held.LOST]
    assert await counts_of(engine) == Counts(ready=2, claimed=1, pushed=3)
    await assert_conserved(engine)


async def test_release_past_the_time_of_a_claim_holds_while_nobody_took_it(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(max_attempts=1))
    await expire(harness)

    assert await engine.release([Release(ref=held.ref)]) == [Held.HELD]

    reclaimed = await engine.reclaim(MANY, ttl=TTL, worker="upkeep")
    assert (reclaimed.readied, reclaimed.last) == (0, [])
    assert (await read(engine, held.job.id)).attempt == 0
    await assert_conserved(engine)


async def test_release_by_an_overtaken_worker_does_nothing_and_the_new_holders_ack_holds(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)

    async with untouched(engine, QUEUE):
        assert await engine.release([Release(ref=late.ref)]) == [Held.LOST]

    assert await engine.ack([Ack(ref=fresh.ref)]) == [True]
    await assert_conserved(engine)


async def test_release_into_a_paused_queue_waits_there(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.pause([QUEUE])

    assert await engine.release([Release(ref=held.ref)]) == [Held.HELD]

    assert await claims(engine) == []
    assert await state_of(engine, held.job.id) is State.READY


async def test_release_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    held = await claimed_job(engine)

    async with untouched(engine, OTHER):
        assert await engine.release([Release(ref=held.ref)]) == [Held.HELD]

    await assert_conserved(engine)


async def test_release_by_two_at_once_gives_each_attempt_back_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    releases = [Release(ref=held.ref) for held in await claims(one)]

    answers = await asyncio.gather(one.release(releases), two.release(releases))

    assert [set(pair) for pair in zip(*answers, strict=True)] == [{Held.HELD, Held.LOST}] * 8
    assert {held.job.attempt for held in await claims(two)} == {1}
    await assert_conserved(one)


async def test_release_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.release([]) == []


@needs(Feature.DURABLE)
async def test_release_survives_a_crash(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await harness.engine.release([Release(ref=held.ref)])
    before = await read(harness.engine, held.job.id)

    await harness.crash()

    assert await read(harness.engine, held.job.id) == before
    again = await claim_one(harness.engine)
    assert (again.job.fence, again.job.attempt) == (2, 1)
    await assert_conserved(harness.engine)
