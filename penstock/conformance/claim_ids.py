"""Claim by id: a waiting job that is named is given, whatever stands before it."""

import asyncio

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
    WORKER,
    assert_conserved,
    both,
    claims,
    counts_of,
    job,
    jobs,
    names,
    push,
    push_one,
    read,
    root,
    state_of,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each
from penstock.engine import Ack, Feature
from penstock.job import Counts, State


async def test_a_named_job_is_claimed_and_the_others_wait_on(harness: Harness) -> None:
    first, second, third = await push(harness.engine, *jobs("a", "b", "c"))

    [held] = await harness.engine.claim_ids([second], ttl=MINUTE, worker=RIVAL)

    assert held.job == await read(harness.engine, second)
    assert (held.job.state, held.job.worker) == (State.CLAIMED, RIVAL)
    assert (held.job.fence, held.job.attempt) == (1, 1)
    assert held.job.claimed_at is not None
    assert abs(held.until - held.job.claimed_at - MINUTE) < SECOND
    assert [one.job.id for one in await claims(harness.engine)] == [first, third]
    await assert_conserved(harness.engine)


async def test_jobs_of_several_queues_may_be_named(harness: Harness) -> None:
    ids = await push(harness.engine, job("a"), job("b", queue=OTHER), job("c"))

    given = await harness.engine.claim_ids(ids, ttl=TTL, worker=WORKER)

    assert sorted(held.job.id for held in given) == ids
    assert await counts_of(harness.engine, QUEUE) == Counts(pushed=2, claimed=2)
    assert await counts_of(harness.engine, OTHER) == Counts(pushed=1, claimed=1)


@needs(Feature.DELAY)
async def test_a_scheduled_job_is_claimed_before_its_time_and_never_promoted(
    harness: Harness,
) -> None:
    id = await push_one(harness.engine, job(delay=HOUR))

    [held] = await harness.engine.claim_ids([id], ttl=TTL, worker=WORKER)

    assert (held.job.id, held.job.run_at) == (id, None)
    await harness.age(2 * HOUR)
    promoted = await harness.engine.promote(MANY)
    assert (promoted.count, promoted.next_in) == (0, None)
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]
    await assert_conserved(harness.engine)


async def test_a_job_of_a_paused_queue_is_claimed(harness: Harness) -> None:
    id = await push_one(harness.engine, job())
    await harness.engine.pause([QUEUE])

    assert len(await harness.engine.claim_ids([id], ttl=TTL, worker=WORKER)) == 1
    assert await harness.engine.paused() == {QUEUE}


async def test_a_job_of_an_older_family_is_claimed(harness: Harness) -> None:
    old, new = await push(harness.engine, job("old", root=root(1)), job("new", root=root(2)))

    [held] = await harness.engine.claim_ids([old], ttl=TTL, worker=WORKER)

    assert held.job.id == old
    assert await state_of(harness.engine, new) is State.READY


async def test_jobs_that_do_not_wait_are_left_out(harness: Harness) -> None:
    ids = await one_of_each(harness.engine, QUEUE)
    before = await harness.engine.get(list(ids.values()))

    given = await harness.engine.claim_ids(list(ids.values()), ttl=TTL, worker=WORKER)

    waiting = {State.SCHEDULED.value, State.READY.value} & {state.value for state in ids}
    assert set(names(given)) == waiting
    unmoved = [one for one in before if one and one.state.value not in waiting]
    assert [await read(harness.engine, one.id) for one in unmoved] == unmoved
    await assert_conserved(harness.engine)


async def test_unknown_and_deleted_jobs_are_left_out(harness: Harness) -> None:
    gone, here = await push(harness.engine, *jobs("gone", "here"))
    await harness.engine.delete([gone])

    given = await harness.engine.claim_ids([gone, UNKNOWN_ID, here], ttl=TTL, worker=WORKER)

    assert names(given) == ["here"]


async def test_a_job_named_twice_is_claimed_once(harness: Harness) -> None:
    id = await push_one(harness.engine, job())

    [held] = await harness.engine.claim_ids([id, id], ttl=TTL, worker=WORKER)

    assert (held.job.fence, held.job.attempt) == (1, 1)
    assert (await read(harness.engine, id)).fence == 1


async def test_naming_nothing_claims_nothing(harness: Harness) -> None:
    await push(harness.engine, job())

    async with untouched(harness.engine, QUEUE):
        assert list(await harness.engine.claim_ids([], ttl=TTL, worker=WORKER)) == []


async def test_a_claim_by_id_leaves_the_other_queue_alone(harness: Harness) -> None:
    id, _ = await push(harness.engine, job(), job(queue=OTHER))

    async with untouched(harness.engine, OTHER):
        await harness.engine.claim_ids([id], ttl=TTL, worker=WORKER)


async def test_of_two_at_once_one_gets_the_job(harness: Harness) -> None:
    one, another = await both(harness)
    ids = await push(harness.engine, *(job(str(n)) for n in range(20)))

    answers = await asyncio.gather(
        one.claim_ids(ids, ttl=TTL, worker=WORKER),
        another.claim_ids(ids[::-1], ttl=TTL, worker=RIVAL),
        claims(one),
    )

    assert sorted(held.job.id for answer in answers for held in answer) == ids
    await assert_conserved(harness.engine)


async def test_a_thousand_jobs_may_be_named(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(str(n)) for n in range(MANY)))

    given = await harness.engine.claim_ids(ids, ttl=TTL, worker=WORKER)

    assert {held.job.id for held in given} == set(ids)
    assert await counts_of(harness.engine) == Counts(pushed=MANY, claimed=MANY)


@needs(Feature.DURABLE)
async def test_a_claim_by_id_survives_a_crash(harness: Harness) -> None:
    id = await push_one(harness.engine, job())
    [held] = await harness.engine.claim_ids([id], ttl=TTL, worker=WORKER)

    await harness.crash()

    assert await harness.engine.claim_ids([id], ttl=TTL, worker=RIVAL) == []
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]
