"""Delivery: a job that may run at most once is never made ready by the loss of its worker."""

import asyncio

from penstock.conformance.builders import (
    DAY,
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    TTL,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    expire,
    job,
    name_of,
    names,
    push,
    push_one,
    read,
    state_of,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import handed_out, then
from penstock.engine import Ack, Bury, Engine, Feature, Held, Reclaimed, Release, Renew, Retry
from penstock.job import Counts, Delivery, NewJob, On, State


async def test_delivery_is_kept_as_it_was_pushed(harness: Harness) -> None:
    engine = harness.engine
    ids = await push(engine, *(job(delivery=delivery) for delivery in Delivery))

    stored = [(await read(engine, id)).delivery for id in ids]

    assert stored == list(Delivery)
    given = {held.job.id: held.job.delivery for held in await claims(engine)}
    assert given == dict(zip(ids, Delivery, strict=True))


async def test_a_lost_job_that_runs_at_most_once_is_handed_out_with_attempts_left(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine, _once(max_attempts=3))
    await expire(harness)

    reclaimed = await _reclaim(engine)

    [last] = reclaimed.last
    assert reclaimed.readied == 0
    assert (last.job.id, last.job.attempt, last.job.fence) == (held.job.id, 1, 2)
    assert await claims(engine) == []
    await assert_conserved(engine)


async def test_a_job_that_runs_at_most_once_ends_dead_as_lost(harness: Harness) -> None:
    engine = harness.engine
    _, last = await handed_out(harness, _once())
    after = then(On.FAILED, job("failed", queue=OTHER))

    assert await engine.bury([Bury(ref=last.ref, error="lost", follow_ups=after)]) == [True]

    dead = await read(engine, last.job.id)
    assert (dead.state, dead.error, dead.attempt) == (State.DEAD, "lost", 1)
    assert name_of(await claim_one(engine, OTHER)) == "failed"
    await assert_conserved(engine)


async def test_nothing_automatic_runs_a_job_again_that_runs_at_most_once(
    harness: Harness,
) -> None:
    engine = harness.engine
    id = await push_one(engine, _once())
    assert len(await claims(engine)) == 1

    for fence in (2, 3, 4):
        await expire(harness)
        reclaimed = await _reclaim(engine)
        assert reclaimed.readied == 0
        assert [last.ref.fence for last in reclaimed.last] == [fence]
        await engine.promote(MANY)
        assert await claims(engine) == []

    assert (await read(engine, id)).attempt == 1
    await assert_conserved(engine)


async def test_the_late_worker_of_a_job_that_runs_at_most_once_changes_nothing(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, last = await handed_out(harness, _once())

    async with untouched(engine, QUEUE):
        assert await engine.ack([Ack(ref=late.ref)]) == [False]
        assert await engine.bury([Bury(ref=late.ref, error="late")]) == [False]
        assert await engine.release([Release(ref=late.ref)]) == [Held.LOST]
        assert await engine.retry([Retry(ref=late.ref, after=NOTHING, error="x")]) == [Held.LOST]
        assert await engine.renew([Renew(ref=late.ref, ttl=DAY)]) == [Held.LOST]

    assert await engine.bury([Bury(ref=last.ref, error="lost")]) == [True]
    await assert_conserved(engine)


async def test_a_job_that_runs_at_most_once_may_be_released_by_its_holder(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine, _once())

    assert await engine.release([Release(ref=held.ref)]) == [Held.HELD]

    again = await claim_one(engine)
    assert (again.job.id, again.job.attempt) == (held.job.id, 1)
    assert await engine.ack([Ack(ref=again.ref)]) == [True]


async def test_a_job_that_runs_at_most_once_may_be_requeued_by_a_person(harness: Harness) -> None:
    engine = harness.engine
    _, last = await handed_out(harness, _once())
    await engine.bury([Bury(ref=last.ref, error="lost")])

    assert await engine.requeue([last.job.id]) == [True]

    again = await claim_one(engine)
    assert (again.job.delivery, again.job.attempt) == (Delivery.AT_MOST_ONCE, 1)
    await expire(harness)
    assert [each.job.id for each in (await _reclaim(engine)).last] == [last.job.id]


async def test_a_claim_of_a_job_that_runs_at_most_once_may_be_renewed(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, _once())
    await expire(harness)

    assert await engine.renew([Renew(ref=held.ref, ttl=TTL)]) == [Held.HELD]

    assert await _reclaim(engine) == Reclaimed(0, [])
    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_jobs_of_both_deliveries_are_told_apart_in_one_reclaim(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job("again"), _once("once"), job("again too"), _once("once too"))
    await claims(engine)
    await expire(harness)

    reclaimed = await _reclaim(engine)

    assert reclaimed.readied == 2
    assert sorted(names(reclaimed.last)) == ["once", "once too"]
    assert names(await claims(engine)) == ["again", "again too"]
    assert await counts_of(engine) == Counts(claimed=4, pushed=4)
    await assert_conserved(engine)


async def test_a_lost_job_that_runs_at_most_once_does_not_touch_its_twin(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine, _once("first", dedupe_key="k"))
    twin = await push_one(engine, _once("twin", dedupe_key="k"))
    await expire(harness)

    [last] = (await _reclaim(engine)).last

    assert name_of(last) == "first"
    assert await state_of(engine, twin) is State.READY
    assert await engine.bury([Bury(ref=last.ref, error="lost")]) == [True]
    assert names(await claims(engine)) == ["twin"]
    await assert_conserved(engine)


async def test_a_job_that_runs_at_most_once_is_claimed_by_one_of_two_at_once(
    harness: Harness,
) -> None:
    one, two = await both(harness)
    await push(one, *(_once(name) for name in "abcdefgh"))

    given = await asyncio.gather(claims(one), claims(two, worker=RIVAL))

    assert sorted(name for each in given for name in names(each)) == list("abcdefgh")
    await expire(harness)
    taken = await asyncio.gather(_reclaim(one), _reclaim(two))
    assert sorted(name for each in taken for name in names(each.last)) == list("abcdefgh")
    await assert_conserved(one)


@needs(Feature.DURABLE)
async def test_a_job_that_runs_at_most_once_is_not_run_again_after_a_crash(
    harness: Harness,
) -> None:
    held = await claimed_job(harness.engine, _once())

    await harness.crash()

    engine = harness.engine
    assert await claims(engine) == []
    await expire(harness)
    [last] = (await _reclaim(engine)).last
    assert last.ref.fence == held.ref.fence + 1
    assert await claims(engine) == []
    await assert_conserved(engine)


def _once(name: str = "once", *, max_attempts: int = 3, dedupe_key: str | None = None) -> NewJob:
    return job(
        name, max_attempts=max_attempts, dedupe_key=dedupe_key, delivery=Delivery.AT_MOST_ONCE
    )


async def _reclaim(engine: Engine) -> Reclaimed:
    return await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)
