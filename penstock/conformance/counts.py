"""Counts: every pushed job is accounted for, in its own queue; how long the first waited."""

import asyncio

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
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
    key,
    push,
    push_one,
    put,
    root,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import not_held, one_of_each, states, then
from penstock.engine import Ack, Bury, Cancel, Engine, Feature, Release, Retry
from penstock.job import Counts, On, QueueKey, State

NEVER_USED = QueueKey("nowhere", "nothing")


async def test_counts_tell_how_many_jobs_stand_in_each_state(harness: Harness) -> None:
    engine = harness.engine
    for number, state in enumerate(states(engine), start=1):
        for _ in range(number):
            await put(engine, state, job(queue=OTHER))

    counts = await counts_of(engine, OTHER)

    told = {state: getattr(counts, state) for state in states(engine)}
    assert told == {state: number for number, state in enumerate(states(engine), start=1)}
    assert counts.deleted == told[State.SUPERSEDED]  # the newer heads, not kept
    await assert_conserved(engine)


async def test_counts_of_a_queue_that_was_never_used_are_zero(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job())

    counts = await engine.counts([NEVER_USED, QUEUE])

    assert dict(counts) == {NEVER_USED: Counts(), QUEUE: Counts(ready=1, pushed=1)}


async def test_counts_of_no_queue_are_empty(harness: Harness) -> None:
    await push(harness.engine, job())

    assert dict(await harness.engine.counts([])) == {}


async def test_counts_of_a_new_store_are_empty(harness: Harness) -> None:
    assert dict(await harness.engine.counts()) == {}


async def test_counts_tell_of_all_queues_ever_used(harness: Harness) -> None:
    engine = harness.engine
    elsewhere = QueueKey("elsewhere", QUEUE.type)
    await push(engine, job(), job(queue=OTHER), job(queue=OTHER), job(queue=elsewhere))
    held = await claim_one(engine, elsewhere)
    await engine.ack([Ack(ref=held.ref, keep=NOTHING)])

    assert dict(await engine.counts()) == {
        QUEUE: Counts(ready=1, pushed=1),
        OTHER: Counts(ready=2, pushed=2),
        elsewhere: Counts(deleted=1, pushed=1),
    }


async def test_counts_keep_queues_apart_by_domain_and_by_type(harness: Harness) -> None:
    engine = harness.engine
    queues = [QueueKey(domain, type) for domain in ("a", "b", "a/b") for type in ("b", "a", "b/a")]

    for number, queue in enumerate(queues, start=1):
        await push(engine, *jobs(*map(str, range(number)), queue=queue))

    told = await engine.counts()
    assert dict(told) == {q: Counts(ready=n, pushed=n) for n, q in enumerate(queues, start=1)}


async def test_a_push_that_stores_nothing_is_not_counted(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(dedupe_key="k"), job(idempotency=key()))

    await push(engine, job(dedupe_key="k"), job(idempotency=key()))
    await push(engine, job(idempotency=key(fingerprint="another")))

    assert await counts_of(engine) == Counts(ready=2, pushed=2)
    await assert_conserved(engine)


async def test_counts_are_conserved_through_a_long_life(harness: Harness) -> None:
    engine = harness.engine
    id = await push_one(engine, job(max_attempts=3))
    seen = [await counts_of(engine)]

    await engine.release([Release(ref=(await claim_one(engine)).ref)])
    seen.append(await counts_of(engine))
    await engine.retry([Retry(ref=(await claim_one(engine)).ref, after=NOTHING, error="boom")])
    seen.append(await counts_of(engine))
    await claim_one(engine)
    await expire(harness)
    await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)
    seen.append(await counts_of(engine))
    held = await claim_one(engine)
    await engine.bury([Bury(ref=held.ref, error="boom")])
    seen.append(await counts_of(engine))
    await engine.requeue([id])
    seen.append(await counts_of(engine))
    await engine.cancel([Cancel(id=id)])
    seen.append(await counts_of(engine))
    await engine.delete([id])
    seen.append(await counts_of(engine))

    ready = Counts(ready=1, pushed=1)
    dead, cancelled = Counts(dead=1, pushed=1), Counts(cancelled=1, pushed=1)
    gone = Counts(deleted=1, pushed=1)
    assert seen == [ready, ready, ready, ready, dead, ready, cancelled, gone]
    await assert_conserved(engine)


async def test_counts_are_not_changed_by_refused_moves(harness: Harness) -> None:
    engine = harness.engine
    refs = (await not_held(harness)).values()
    claimed = await put(engine, State.CLAIMED)
    before = await counts_of(engine)

    await engine.ack([Ack(ref=ref, keep=NOTHING) for ref in refs])
    await engine.bury([Bury(ref=ref, error="late") for ref in refs])
    await engine.retry([Retry(ref=ref, after=HOUR, error="late") for ref in refs])
    await engine.release([Release(ref=ref, after=HOUR) for ref in refs])
    await engine.cancel([Cancel(id=ref.id, fence=ref.fence) for ref in refs])
    await engine.delete([claimed, UNKNOWN_ID])
    await engine.requeue([claimed, UNKNOWN_ID])

    assert await counts_of(engine) == before
    await assert_conserved(engine)


async def test_counts_are_conserved_by_a_mixed_batch(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs(*"abcd"), *jobs(*"efgh", queue=OTHER))
    held = await claims(engine, want(limit=3), want(OTHER, limit=3))
    after = then(On.DONE, job(queue=OTHER), job(root=root(1)))

    await engine.ack([Ack(ref=held[0].ref, follow_ups=after), Ack(ref=held[3].ref, keep=NOTHING)])
    await engine.bury([Bury(ref=held[1].ref, error="boom"), Bury(ref=held[0].ref, error="late")])

    assert await counts_of(engine) == Counts(ready=2, claimed=1, done=1, dead=1, pushed=5)
    assert await counts_of(engine, OTHER) == Counts(ready=2, claimed=2, deleted=1, pushed=5)
    await assert_conserved(engine)


async def test_counts_by_two_at_once_lose_nothing(harness: Harness) -> None:
    one, two = await both(harness)

    await asyncio.gather(
        *(engine.push(jobs(*"abc")) for engine in (one, two) for _ in range(10)),
        *(_work(engine) for engine in (one, two) for _ in range(5)),
    )

    counts = await counts_of(one)
    assert counts.pushed == 60
    assert counts == await counts_of(two)
    await assert_conserved(one)


@needs(Feature.DURABLE)
async def test_counts_survive_a_crash(harness: Harness) -> None:
    await one_of_each(harness.engine, QUEUE)
    await one_of_each(harness.engine, OTHER)
    await harness.engine.ack([Ack(ref=(await claim_one(harness.engine)).ref, keep=NOTHING)])
    before = await harness.engine.counts()

    await harness.crash()

    assert await harness.engine.counts() == before
    await assert_conserved(harness.engine)


async def test_oldest_tells_how_long_the_first_job_has_been_ready(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job("first", priority=1))
    await harness.age(HOUR)
    await push(engine, job("second", priority=1000))
    await push(engine, job("other", queue=OTHER))
    await harness.age(MINUTE)

    told = await engine.oldest([QUEUE, OTHER])

    assert told.keys() == {QUEUE, OTHER}
    assert _is_about(told[QUEUE].total_seconds(), 3660)
    assert _is_about(told[OTHER].total_seconds(), 60)


async def test_oldest_leaves_out_a_queue_without_a_ready_job(harness: Harness) -> None:
    engine = harness.engine
    for state in states(engine):
        if state is not State.READY:
            await put(engine, state, job(queue=OTHER))

    assert dict(await engine.oldest([OTHER, NEVER_USED])) == {}
    assert dict(await engine.oldest([])) == {}


async def test_oldest_goes_on_to_the_next_when_the_first_is_claimed(harness: Harness) -> None:
    engine = harness.engine
    first = await push_one(engine, job("first"))
    await harness.age(HOUR)
    await push(engine, job("second"))
    await engine.claim_ids([first], ttl=TTL, worker=RIVAL)

    told = await engine.oldest([QUEUE])

    assert _is_about(told[QUEUE].total_seconds(), 0)


async def test_oldest_counts_from_the_moment_the_job_became_ready_again(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, ttl=2 * HOUR)
    await harness.age(HOUR)
    await engine.retry([Retry(ref=held.ref, after=NOTHING, error="boom")])
    await harness.age(MINUTE)

    told = await engine.oldest([QUEUE])

    assert _is_about(told[QUEUE].total_seconds(), 60)


@needs(Feature.DELAY)
async def test_oldest_counts_a_scheduled_job_from_its_promotion(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(delay=HOUR))
    assert dict(await engine.oldest([QUEUE])) == {}
    await harness.age(2 * HOUR)
    await engine.promote(MANY)
    await harness.age(MINUTE)

    told = await engine.oldest([QUEUE])

    assert _is_about(told[QUEUE].total_seconds(), 60)


def _is_about(seconds: float, expected: float) -> bool:
    return expected <= seconds < expected + SOON


async def _work(engine: Engine) -> None:
    held = await claims(engine, want(limit=4))
    await engine.ack([Ack(ref=each.ref) for each in held[:2]])
    await engine.retry([Retry(ref=each.ref, after=NOTHING, error="boom") for each in held[2:]])
