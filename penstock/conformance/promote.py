"""Promote: scheduled jobs become ready at their time, never earlier, the earliest first."""

import asyncio

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    SECOND,
    SOON,
    assert_conserved,
    both,
    claim_one,
    claims,
    counts_of,
    everything,
    job,
    jobs,
    names,
    push,
    push_one,
    put,
    read,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each
from penstock.engine import Cancel, Engine, Feature, JobFilter, Promoted
from penstock.job import Counts, QueueKey, State

MARGIN = SOON * SECOND


@needs(Feature.DELAY)
async def test_promote_readies_a_job_at_its_time(harness: Harness) -> None:
    engine = harness.engine
    id = await push_one(engine, job(delay=MINUTE, priority=7))
    await harness.age(MINUTE)

    assert await engine.promote(MANY) == Promoted(1, None)

    ready = await read(engine, id)
    assert (ready.state, ready.attempt, ready.fence, ready.priority) == (State.READY, 0, 0, 7)
    assert (await claim_one(engine)).job.id == id
    assert await counts_of(engine) == Counts(claimed=1, pushed=1)
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_promote_is_never_early(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(delay=HOUR), job(delay=DAY))
    await harness.age(HOUR - MARGIN)

    async with untouched(engine, QUEUE):
        promoted = await engine.promote(MANY)

    assert promoted.count == 0
    assert await claims(engine) == []


@needs(Feature.DELAY)
async def test_a_scheduled_job_is_not_claimed_before_it_is_promoted(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(delay=MINUTE))

    assert await claims(engine) == []
    await harness.age(MINUTE)
    await engine.promote(MANY)

    assert len(await claims(engine)) == 1


@needs(Feature.DELAY)
async def test_promote_takes_the_earliest_first_and_no_more_than_its_limit(
    harness: Harness,
) -> None:
    engine = harness.engine
    delays = {"c": 30, "a": 10, "e": 50, "b": 20, "d": 40}
    await push(engine, *(job(name, delay=delay * SECOND) for name, delay in delays.items()))
    await harness.age(MINUTE)

    brought = []
    for _ in range(3):
        promoted = await engine.promote(2)
        brought.append((promoted.count, sorted(names(await claims(engine)))))

    assert brought == [(2, ["a", "b"]), (2, ["c", "d"]), (1, ["e"])]
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_promote_says_that_more_are_due_now(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *(job(delay=SECOND) for _ in range(3)), job(delay=HOUR))
    await harness.age(MINUTE)

    assert await engine.promote(2) == Promoted(2, NOTHING)

    rest = await engine.promote(2)
    assert rest.count == 1
    assert rest.next_in is not None
    assert rest.next_in > MINUTE


@needs(Feature.DELAY)
async def test_promote_says_how_long_it_is_until_the_next_is_due(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job("second", delay=2 * HOUR), job("first", delay=HOUR))

    await _expect_next_in(engine, count=0, hours=1)
    await harness.age(HOUR)
    await _expect_next_in(engine, count=1, hours=1)
    await harness.age(HOUR)
    assert await engine.promote(MANY) == Promoted(1, None)


@needs(Feature.DELAY)
async def test_promote_says_that_the_next_is_due_when_it_is(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(delay=HOUR))
    await harness.age(MINUTE)
    told = (await engine.promote(MANY)).next_in
    assert told is not None

    await harness.age(told)

    assert await engine.promote(MANY) == Promoted(1, None)


@needs(Feature.DELAY)
async def test_promote_says_that_nothing_is_scheduled(harness: Harness) -> None:
    engine = harness.engine
    assert await engine.promote(MANY) == Promoted(0, None)

    ids = await one_of_each(engine, QUEUE)
    await engine.delete([ids[State.SCHEDULED]])

    assert await engine.promote(MANY) == Promoted(0, None)


@needs(Feature.DELAY)
async def test_promote_obeys_a_time_of_the_stores_clock(harness: Harness) -> None:
    engine = harness.engine
    now = (await read(engine, await push_one(engine, job("clock")))).pushed_at
    await push(engine, job("later", run_at=now + HOUR), job("past", run_at=now - HOUR))

    assert names(await claims(engine)) == ["clock", "past"]
    await harness.age(HOUR - MARGIN)
    assert (await engine.promote(MANY)).count == 0
    await harness.age(MARGIN)
    assert await engine.promote(MANY) == Promoted(1, None)
    assert names(await claims(engine)) == ["later"]
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_promoted_jobs_stand_by_priority_not_by_time(harness: Harness) -> None:
    engine = harness.engine
    await push(
        engine,
        job("low first", delay=10 * SECOND, priority=100),
        job("high second", delay=20 * SECOND, priority=900),
        job("middle now"),
    )
    await harness.age(MINUTE)

    await engine.promote(MANY)

    assert names(await claims(engine)) == ["high second", "middle now", "low first"]


@needs(Feature.DELAY)
async def test_promote_never_revives_what_has_ended(harness: Harness) -> None:
    engine = harness.engine
    cancelled, deleted = await push(engine, job(delay=MINUTE), job(delay=MINUTE))
    await engine.cancel([Cancel(id=cancelled)])
    await engine.delete([deleted])
    await harness.age(HOUR)

    assert await engine.promote(MANY) == Promoted(0, None)

    assert await state_of(engine, cancelled) is State.CANCELLED
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_promote_works_for_all_queues_and_counts_each(harness: Harness) -> None:
    engine = harness.engine
    queues = (QUEUE, OTHER, QueueKey("elsewhere", QUEUE.type))
    await push(engine, *(job(queue=queue, delay=MINUTE) for queue in queues))
    await harness.age(MINUTE)

    assert await engine.promote(MANY) == Promoted(3, None)

    for queue in queues:
        assert await counts_of(engine, queue) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_promote_leaves_what_is_not_due_alone(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(delay=MINUTE))
    await harness.age(MINUTE)
    await one_of_each(engine, OTHER)

    async with untouched(engine, OTHER):
        assert (await engine.promote(MANY)).count == 1

    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_promote_goes_on_in_a_paused_queue(harness: Harness) -> None:
    engine = harness.engine
    id = await push_one(engine, job(delay=MINUTE))
    await engine.pause([QUEUE])
    await harness.age(MINUTE)

    assert (await engine.promote(MANY)).count == 1

    assert await state_of(engine, id) is State.READY
    assert await claims(engine) == []


@needs(Feature.DELAY)
async def test_promote_by_two_at_once_counts_each_job_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *(job(name, delay=MINUTE) for name in "abcdefgh"))
    await harness.age(MINUTE)

    found = await asyncio.gather(one.promote(MANY), two.promote(MANY))

    assert sum(each.count for each in found) == 8
    assert sorted(names(await claims(two))) == list("abcdefgh")
    await assert_conserved(one)


@needs(Feature.DELAY)
async def test_promote_and_cancel_at_once_leave_the_job_cancelled(harness: Harness) -> None:
    one, two = await both(harness)
    ids = await push(one, *(job(name, delay=MINUTE) for name in "abcdefgh"))
    await harness.age(MINUTE)

    await asyncio.gather(one.promote(MANY), two.cancel([Cancel(id=id) for id in ids]))

    assert {each.state for each in await everything(one)} == {State.CANCELLED}
    assert await claims(one) == []
    await assert_conserved(one)


@needs(Feature.DELAY, Feature.DURABLE)
async def test_promote_survives_a_crash(harness: Harness) -> None:
    promoted = await push_one(harness.engine, job("promoted", delay=MINUTE))
    await harness.age(MINUTE)
    await harness.engine.promote(MANY)
    later = await put(harness.engine, State.SCHEDULED, job("later"))
    before = await harness.engine.get([promoted, later])

    await harness.crash()

    assert await harness.engine.get([promoted, later]) == before
    assert names(await claims(harness.engine)) == ["promoted"]
    await harness.age(HOUR)
    assert await harness.engine.promote(MANY) == Promoted(1, None)
    await assert_conserved(harness.engine)


@needs(Feature.DELAY)
async def test_promote_takes_many_at_once(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *(job(delay=SECOND) for _ in range(MANY)), *jobs("ready"))
    await harness.age(MINUTE)

    assert await engine.promote(MANY) == Promoted(MANY, None)

    assert len(await engine.list(JobFilter(state=State.READY), limit=2 * MANY)) == MANY + 1
    assert len(await claims(engine, want(limit=2 * MANY))) == MANY + 1
    await assert_conserved(engine)


async def _expect_next_in(engine: Engine, *, count: int, hours: int) -> None:
    promoted = await engine.promote(MANY)
    assert promoted.count == count
    assert promoted.next_in is not None
    assert hours * HOUR - MARGIN < promoted.next_in <= hours * HOUR
