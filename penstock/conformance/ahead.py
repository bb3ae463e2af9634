"""Ahead: how many ready jobs come before a job."""

import asyncio
from collections.abc import Sequence

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    TTL,
    UNKNOWN_ID,
    claim_one,
    claims,
    expire,
    job,
    jobs,
    push,
    push_one,
    root,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each
from penstock.engine import Cancel, Engine, Feature, Release
from penstock.job import JobId, Order, QueueKey, State, first_id

PRIORITIES = (9, 1000, 70, 500, 0, 500, 8)


async def test_by_priority_the_higher_ones_come_before_and_of_equals_the_lower_id(
    harness: Harness,
) -> None:
    ids = await push(harness.engine, *(job(priority=p) for p in PRIORITIES))

    assert await _ahead(harness.engine, ids) == [4, 0, 3, 1, 6, 2, 5]


async def test_by_fifo_the_lower_ids_come_before_whatever_the_priority(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(priority=p) for p in PRIORITIES))

    assert await _ahead(harness.engine, ids, Order.FIFO) == [0, 1, 2, 3, 4, 5, 6]


async def test_by_chance_every_other_one_may_come_before(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(priority=p) for p in PRIORITIES))

    assert await _ahead(harness.engine, ids, Order.RANDOM) == [6] * 7


async def test_a_job_that_is_alone_has_none_before_it(harness: Harness) -> None:
    id = await push_one(harness.engine, job())

    for order in Order:
        assert await _ahead(harness.engine, [id], order) == [0]


@needs(Feature.ORDER)
async def test_so_many_are_claimed_before_it(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(priority=n * 7 % 5 * 100) for n in range(40)))
    told = {
        order: dict(zip(ids, await _ahead(harness.engine, ids, order), strict=True))
        for order in (Order.PRIORITY, Order.FIFO)
    }

    given = [one.job.id for one in await claims(harness.engine, want(order=Order.PRIORITY))]

    assert [told[Order.PRIORITY][id] for id in given] == list(range(40))
    assert [told[Order.FIFO][id] for id in sorted(given)] == list(range(40))


async def test_it_falls_as_others_are_claimed_and_there_is_none_once_it_is_claimed(
    harness: Harness,
) -> None:
    *_, last = await push(harness.engine, *jobs("a", "b", "c"))

    told = []
    for _ in range(3):
        told += await _ahead(harness.engine, [last])
        await claim_one(harness.engine)

    assert told == [2, 1, 0]
    assert await _ahead(harness.engine, [last]) == [None]


async def test_there_is_an_answer_for_ready_jobs_only(harness: Harness) -> None:
    ids = await one_of_each(harness.engine, QUEUE)
    alone = [0 if state is State.READY else None for state in ids]

    for order in Order:
        assert await _ahead(harness.engine, list(ids.values()), order) == alone


async def test_ids_that_are_none_have_no_answer(harness: Harness) -> None:
    gone, here = await push(harness.engine, *jobs("gone", "here"))
    await harness.engine.delete([gone])
    strange = [gone, UNKNOWN_ID, JobId(0), JobId(-1), first_id(7), JobId(2**53 - 1)]

    for order in Order:
        assert await _ahead(harness.engine, [*strange, here], order) == [*[None] * 6, 0]


async def test_each_is_answered_in_its_place_as_often_as_it_is_named(harness: Harness) -> None:
    a, b, c = await push(harness.engine, *jobs("a", "b", "c"))

    found = await _ahead(harness.engine, [c, a, UNKNOWN_ID, c, b])

    assert found == [2, 0, None, 2, 1]
    assert await _ahead(harness.engine, []) == []


async def test_no_more_are_counted_than_asked_for(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(priority=p) for p in PRIORITIES))

    async def told(order: Order, most: int) -> Sequence[int | None]:
        return await _ahead(harness.engine, ids, order, most=most)

    assert await told(Order.PRIORITY, 2) == [2, 0, 2, 1, 2, 2, 2]
    assert await told(Order.FIFO, 4) == [0, 1, 2, 3, 4, 4, 4]
    assert await told(Order.RANDOM, 5) == [5] * 7
    for order in Order:
        assert await told(order, 0) == [0] * 7


async def test_jobs_of_other_queues_are_not_before_it(harness: Harness) -> None:
    tenant = QueueKey("tenant", QUEUE.type)
    await push(harness.engine, *(job(queue=queue, priority=900) for queue in (OTHER, tenant)))
    ids = await push(
        harness.engine, *(job(queue=queue) for queue in (QUEUE, OTHER, tenant, QUEUE, OTHER))
    )

    assert await _ahead(harness.engine, ids) == [0, 1, 1, 1, 2]
    assert await _ahead(harness.engine, ids, Order.FIFO) == [0, 1, 1, 1, 2]
    assert await _ahead(harness.engine, ids, Order.RANDOM) == [1, 2, 1, 1, 2]


async def test_jobs_that_are_not_ready_are_not_before_it(harness: Harness) -> None:
    ids = await one_of_each(harness.engine, QUEUE)
    await harness.engine.delete([ids[State.READY]])

    id = await push_one(harness.engine, job(priority=0))

    for order in Order:
        assert await _ahead(harness.engine, [id], order) == [0]


async def test_pausing_the_queue_changes_no_answer(harness: Harness) -> None:
    ids = await push(harness.engine, *jobs("a", "b", "c"))

    await harness.engine.pause([QUEUE])

    assert await _ahead(harness.engine, ids) == [0, 1, 2]
    assert await _ahead(harness.engine, ids, Order.FIFO) == [0, 1, 2]
    assert await _ahead(harness.engine, ids, Order.RANDOM) == [2, 2, 2]


async def test_outdated_jobs_that_nobody_has_ended_yet_are_counted(harness: Harness) -> None:
    old, new = await push(harness.engine, job(root=root(1)), job(root=root(2)))

    assert await _ahead(harness.engine, [old, new]) == [0, 1]

    assert [one.job.id for one in await claims(harness.engine)] == [new]
    assert await _ahead(harness.engine, [old, new]) == [None, None]


async def test_a_twin_that_was_raised_comes_before_those_it_passed(harness: Harness) -> None:
    a, b = await push(harness.engine, job("a"), job("b", dedupe_key="key", priority=100))
    assert await _ahead(harness.engine, [a, b]) == [0, 1]

    await push(harness.engine, job("c", dedupe_key="key", priority=900))

    assert await _ahead(harness.engine, [a, b]) == [1, 0]
    assert await _ahead(harness.engine, [a, b], Order.FIFO) == [0, 1]


async def test_a_cancelled_or_deleted_job_is_not_before_it_any_more(harness: Harness) -> None:
    a, b, c = await push(harness.engine, *jobs("a", "b", "c"))

    await harness.engine.cancel([Cancel(id=a)])
    assert await _ahead(harness.engine, [b, c]) == [0, 1]

    await harness.engine.delete([b])
    assert await _ahead(harness.engine, [c]) == [0]


async def test_a_job_that_was_given_back_is_before_it_again(harness: Harness) -> None:
    a, b, c = await push(harness.engine, *jobs("a", "b", "c"))
    held = [await claim_one(harness.engine), await claim_one(harness.engine)]
    assert await _ahead(harness.engine, [a, b, c]) == [None, None, 0]

    await harness.engine.release([Release(ref=held[1].ref)])
    assert await _ahead(harness.engine, [a, b, c]) == [None, 0, 1]

    await expire(harness)
    await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)
    assert await _ahead(harness.engine, [a, b, c]) == [0, 1, 2]


@needs(Feature.DELAY)
async def test_a_promoted_job_takes_its_place_among_the_others(harness: Harness) -> None:
    late, now = await push(harness.engine, job("late", delay=MINUTE), job("now"))
    assert await _ahead(harness.engine, [late, now]) == [None, 0]

    await harness.age(MINUTE + SECOND)
    await harness.engine.promote(MANY)

    assert await _ahead(harness.engine, [late, now]) == [0, 1]


async def test_a_thousand_are_asked_about_at_once(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(priority=n // 10) for n in range(MANY)))

    found = await _ahead(harness.engine, ids, most=50)

    places = [MANY - 10 - n // 10 * 10 + n % 10 for n in range(MANY)]
    assert found == [min(place, 50) for place in places]


async def test_asking_what_is_ahead_changes_nothing(harness: Harness) -> None:
    ids = list((await one_of_each(harness.engine, QUEUE)).values())

    async with untouched(harness.engine, QUEUE):
        for order in Order:
            await _ahead(harness.engine, ids, order)


async def test_what_is_ahead_of_two_while_others_claim_is_what_was_ahead_at_one_moment(
    harness: Harness,
) -> None:
    ids = await push(harness.engine, *(job() for _ in range(30)))

    async def work() -> None:
        for _ in range(28):
            await claim_one(harness.engine)

    working = asyncio.create_task(work())
    while not working.done():
        before, last = await _ahead(harness.engine, ids[-2:])
        assert before is not None
        assert last == before + 1
        await asyncio.sleep(0)
    await working
    assert await _ahead(harness.engine, ids[-2:]) == [0, 1]


async def test_what_is_ahead_is_the_same_after_reopen(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(priority=p) for p in PRIORITIES))

    await harness.reopen()

    assert await _ahead(harness.engine, ids) == [4, 0, 3, 1, 6, 2, 5]


@needs(Feature.SHARED)
async def test_another_process_sees_the_same_ahead(harness: Harness) -> None:
    another = await harness.second()
    ids = await push(harness.engine, job(), job(delay=HOUR), job())
    assert await _ahead(another, ids) == [0, None, 1]

    await claim_one(another)

    assert await _ahead(harness.engine, ids) == [None, None, 0]


async def _ahead(
    engine: Engine, ids: Sequence[JobId], order: Order = Order.PRIORITY, *, most: int = MANY
) -> list[int | None]:
    return list(await engine.ahead(ids, order, most=most))
