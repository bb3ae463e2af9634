# long: every case of one verb, to be found in one place
"""Retry: the holder's job waits again with the reason kept; nobody else's retry does anything."""

import asyncio
from dataclasses import replace

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    SECOND,
    SOON,
    TTL,
    UNKNOWN_ID,
    WORKER,
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
from penstock.engine import Ack, Cancel, CancelAnswer, Feature, Held, Retry
from penstock.job import Claim, ClaimRef, Counts, State


async def test_retry_at_once_makes_the_job_ready_with_its_error(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(priority=7))

    assert await engine.retry([_retry(held)]) == [Held.HELD]

    ready = await read(engine, held.job.id)
    assert (ready.state, ready.error, ready.finished_at) == (State.READY, "boom", None)
    assert (ready.attempt, ready.fence, ready.priority) == (1, 1, 7)
    assert (ready.params, ready.pushed_at) == (held.job.params, held.job.pushed_at)
    assert await counts_of(engine) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_a_retried_job_is_claimed_with_the_next_fence_and_attempt(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.retry([_retry(held)])

    again = await claim_one(engine)

    assert (again.job.id, again.job.fence, again.job.attempt) == (held.job.id, 2, 2)
    assert await engine.ack([Ack(ref=held.ref), Ack(ref=again.ref)]) == [False, True]
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_retry_after_a_while_makes_the_job_scheduled(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    assert await engine.retry([Retry(ref=held.ref, after=MINUTE, error="boom")]) == [Held.HELD]

    scheduled = await read(engine, held.job.id)
    assert (scheduled.state, scheduled.error) == (State.SCHEDULED, "boom")
    assert (scheduled.attempt, scheduled.fence) == (1, 1)
    assert scheduled.run_at is not None
    assert held.job.claimed_at is not None
    assert MINUTE <= scheduled.run_at - held.job.claimed_at < MINUTE + SOON * SECOND
    assert await counts_of(engine) == Counts(scheduled=1, pushed=1)
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_a_retry_after_a_while_runs_then_and_not_earlier(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.retry([Retry(ref=held.ref, after=MINUTE, error="boom")])

    await harness.age(MINUTE - SOON * SECOND)
    assert (await engine.promote(MANY)).count == 0
    assert await claims(engine) == []

    await harness.age(SOON * SECOND)
    assert (await engine.promote(MANY)).count == 1
    assert (await claim_one(engine)).job.attempt == 2
    await assert_conserved(engine)


async def test_retry_keeps_the_error_as_it_was_given(harness: Harness) -> None:
    engine = harness.engine
    errors = ["", "line\nline", "x" * 10_000, *HOSTILE_TEXTS]
    await push(engine, *jobs(*map(str, range(len(errors)))))
    held = await claims(engine)

    await engine.retry(
        [
            Retry(ref=one.ref, after=NOTHING, error=text)
            for one, text in zip(held, errors, strict=True)
        ]
    )

    stored = await engine.get([one.job.id for one in held])
    assert [one and one.error for one in stored] == errors


async def test_retry_keeps_the_last_error(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job())

    for error in ("first", "second"):
        held = await claim_one(engine)
        await engine.retry([Retry(ref=held.ref, after=NOTHING, error=error)])

    assert (await claim_one(engine)).job.error == "second"


async def test_retry_knows_no_rule_and_obeys_on_the_last_attempt(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(max_attempts=1))

    assert await engine.retry([_retry(held)]) == [Held.HELD]

    assert await state_of(engine, held.job.id) is State.READY


async def test_a_retried_job_keeps_its_place_by_priority_and_id(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job("high", priority=900))
    high = await claim_one(engine)
    await push(
        engine, job("low", priority=100), job("higher", priority=901), job("b", priority=900)
    )

    await engine.retry([_retry(high)])

    assert names(await claims(engine)) == ["higher", "high", "b", "low"]


async def test_a_retried_job_no_longer_carries_its_key(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(dedupe_key="k"))

    await engine.retry([_retry(held)])

    [pushed] = await engine.push([job("twin", dedupe_key="k")])
    assert not pushed.deduplicated
    assert await counts_of(engine) == Counts(ready=2, pushed=2)
    await assert_conserved(engine)


async def test_retry_beside_a_waiting_twin_leaves_both_alive(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job("first", dedupe_key="k"))
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.retry([_retry(held)]) == [Held.HELD]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)
    assert names(await claims(engine)) == ["first", "twin"]
    await assert_conserved(engine)


async def test_retry_of_what_is_not_held_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    refs = await not_held(harness)

    async with untouched(engine, QUEUE):
        answers = await engine.retry(
            [Retry(ref=ref, after=NOTHING, error="late") for ref in refs.values()]
        )

    assert dict(zip(refs, answers, strict=True)) == dict.fromkeys(refs, Held.LOST)
    await assert_conserved(engine)


async def test_retry_of_one_claim_twice_in_a_batch_holds_once(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    first = Retry(ref=held.ref, after=NOTHING, error="1")

    answers = await engine.retry([first, replace(first, error="2")])

    assert answers == [Held.HELD, Held.LOST]
    assert (await read(engine, held.job.id)).error == "1"
    await assert_conserved(engine)


async def test_retry_of_a_job_that_is_asked_to_cancel_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)

    async with untouched(engine, QUEUE):
        answers = await engine.retry([_retry(held), Retry(ref=held.ref, after=MINUTE, error="x")])

    assert answers == [Held.CANCEL_ASKED, Held.CANCEL_ASKED]
    end = Cancel(id=held.job.id, fence=held.ref.fence)
    assert await engine.cancel([end]) == [CancelAnswer.CANCELLED]
    await assert_conserved(engine)


async def test_retry_answers_every_kind_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    wanted = await asked(engine)
    held = await claimed_job(engine)
    refs = (ClaimRef(UNKNOWN_ID, 1), held.ref, late.ref, wanted.ref, fresh.ref)

    answers = await engine.retry([Retry(ref=ref, after=NOTHING, error="boom") for ref in refs])

    assert answers == [Held.LOST, Held.HELD, Held.LOST, Held.CANCEL_ASKED, Held.HELD]
    assert await counts_of(engine) == Counts(ready=2, claimed=1, pushed=3)
    await assert_conserved(engine)


async def test_retry_past_the_time_of_a_claim_holds_while_nobody_took_it(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await expire(harness)

    assert await engine.retry([_retry(held)]) == [Held.HELD]

    assert (await engine.reclaim(MANY, ttl=TTL, worker="upkeep")).readied == 0
    assert (await read(engine, held.job.id)).error == "boom"
    await assert_conserved(engine)


async def test_retry_by_an_overtaken_worker_does_nothing_and_the_new_holders_ack_holds(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)

    async with untouched(engine, QUEUE):
        assert await engine.retry([_retry(late)]) == [Held.LOST]

    assert await engine.ack([Ack(ref=fresh.ref)]) == [True]
    await assert_conserved(engine)


async def test_a_retried_job_is_not_reclaimed(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(max_attempts=1))
    await engine.retry([_retry(held)])
    await expire(harness)

    reclaimed = await engine.reclaim(MANY, ttl=TTL, worker="upkeep")

    assert (reclaimed.readied, reclaimed.last) == (0, [])
    assert (await read(engine, held.job.id)).error == "boom"


async def test_retry_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    held = await claimed_job(engine)

    async with untouched(engine, OTHER):
        assert await engine.retry([_retry(held)]) == [Held.HELD]

    await assert_conserved(engine)


async def test_retry_by_two_at_once_holds_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    retries = [_retry(held) for held in await claims(one)]

    answers = await asyncio.gather(one.retry(retries), two.retry(retries))

    assert [set(pair) for pair in zip(*answers, strict=True)] == [{Held.HELD, Held.LOST}] * 8
    assert await counts_of(two) == Counts(ready=8, pushed=8)
    await assert_conserved(one)


async def test_retry_and_ack_at_once_end_in_one_of_the_two(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    held = await claims(one)

    retried, acked = await asyncio.gather(
        one.retry([_retry(each) for each in held]), two.ack([Ack(ref=each.ref) for each in held])
    )

    outcomes = [(answer is Held.HELD, done) for answer, done in zip(retried, acked, strict=True)]
    assert set(outcomes) <= {(True, False), (False, True)}
    assert await counts_of(one) == Counts(
        ready=outcomes.count((True, False)), done=outcomes.count((False, True)), pushed=8
    )
    await assert_conserved(one)


async def test_retry_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.retry([]) == []


@needs(Feature.DURABLE, Feature.DELAY)
async def test_retry_survives_a_crash(harness: Harness) -> None:
    now, later = await claimed_job(harness.engine), await claimed_job(harness.engine)
    await harness.engine.retry([_retry(now), Retry(ref=later.ref, after=MINUTE, error="boom")])
    before = await harness.engine.get([now.job.id, later.job.id])

    await harness.crash()

    assert await harness.engine.get([now.job.id, later.job.id]) == before
    [again] = await harness.engine.claim_ids([now.job.id], ttl=TTL, worker=WORKER)
    assert (again.job.fence, again.job.attempt) == (2, 2)
    await assert_conserved(harness.engine)


def _retry(held: Claim) -> Retry:
    return Retry(ref=held.ref, after=NOTHING, error="boom")
