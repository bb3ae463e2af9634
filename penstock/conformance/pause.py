"""Pause and resume: a paused queue gives no claims; everything else goes on."""

import asyncio

from penstock.conformance.builders import (
    OTHER,
    QUEUE,
    TTL,
    WORKER,
    assert_conserved,
    both,
    claimed_job,
    claims,
    counts_of,
    job,
    jobs,
    names,
    push,
    push_one,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each
from penstock.engine import Ack, Bury, Feature, Held, Renew
from penstock.job import Counts, QueueKey


async def test_a_paused_queue_gives_no_claims(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b"))

    await engine.pause([QUEUE])

    async with untouched(engine, QUEUE):
        assert await claims(engine) == []
    assert await engine.paused() == frozenset({QUEUE})
    await assert_conserved(engine)


async def test_a_resumed_queue_gives_claims_again(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b"))
    await engine.pause([QUEUE])
    assert await claims(engine) == []

    await engine.resume([QUEUE])

    assert names(await claims(engine)) == ["a", "b"]
    assert await engine.paused() == frozenset()
    await assert_conserved(engine)


async def test_a_paused_queue_is_not_told_as_ready(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(), job(queue=OTHER))
    types = [QUEUE.type, OTHER.type]

    await engine.pause([QUEUE])
    assert {found.queue for found in await engine.ready(types, limit=10)} == {OTHER}

    await engine.resume([QUEUE])
    assert {found.queue for found in await engine.ready(types, limit=10)} == {QUEUE, OTHER}


async def test_pushes_to_a_paused_queue_go_on(harness: Harness) -> None:
    engine = harness.engine
    await engine.pause([QUEUE])

    first = await push_one(engine, job("a", dedupe_key="k"))
    [again] = await engine.push([job("b", dedupe_key="k")])

    assert (again.id, again.deduplicated) == (first, True)
    assert await counts_of(engine) == Counts(ready=1, pushed=1)
    await engine.resume([QUEUE])
    assert names(await claims(engine)) == ["a"]
    await assert_conserved(engine)


async def test_holders_go_on_when_their_queue_is_paused(harness: Harness) -> None:
    engine = harness.engine
    done, dead = await claimed_job(engine), await claimed_job(engine)

    await engine.pause([QUEUE])

    assert await engine.renew([Renew(ref=done.ref, ttl=TTL)]) == [Held.HELD]
    assert await engine.ack([Ack(ref=done.ref)]) == [True]
    assert await engine.bury([Bury(ref=dead.ref, error="boom")]) == [True]
    await assert_conserved(engine)


async def test_a_named_job_of_a_paused_queue_may_be_claimed(harness: Harness) -> None:
    engine = harness.engine
    id = await push_one(engine, job())
    await engine.pause([QUEUE])

    [held] = await engine.claim_ids([id], ttl=TTL, worker=WORKER)

    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_pause_leaves_the_other_queues_alone(harness: Harness) -> None:
    engine = harness.engine
    same_type, same_domain = QueueKey("elsewhere", QUEUE.type), OTHER
    for queue in (QUEUE, same_type, same_domain):
        await one_of_each(engine, queue)

    async with untouched(engine, QUEUE), untouched(engine, same_type), untouched(engine, OTHER):
        await engine.pause([QUEUE])

    given = await claims(engine, want(), want(same_type), want(same_domain))
    assert {held.job.queue for held in given} == {same_type, same_domain}
    await assert_conserved(engine)


async def test_resume_leaves_the_other_queues_paused(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job(), job(queue=OTHER))
    await engine.pause([QUEUE, OTHER])
    assert await engine.paused() == frozenset({QUEUE, OTHER})

    await engine.resume([OTHER])

    assert await engine.paused() == frozenset({QUEUE})
    given = await claims(engine, want(), want(OTHER))
    assert [held.job.queue for held in given] == [OTHER]


async def test_pause_and_resume_may_be_repeated(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, job())

    await engine.pause([QUEUE, QUEUE])
    await engine.pause([QUEUE])
    assert await engine.paused() == frozenset({QUEUE})
    await engine.resume([QUEUE, OTHER])
    await engine.resume([QUEUE])

    assert await engine.paused() == frozenset()
    assert len(await claims(engine)) == 1


async def test_pause_of_nothing_is_fine(harness: Harness) -> None:
    engine = harness.engine

    await engine.pause([])
    await engine.resume([])

    assert await engine.paused() == frozenset()


async def test_a_queue_may_be_paused_before_it_has_a_job(harness: Harness) -> None:
    engine = harness.engine
    new = QueueKey("new", "type")
    await engine.pause([new])

    await push(engine, job(queue=new))

    assert await engine.paused() == frozenset({new})
    assert await claims(engine, want(new)) == []
    await engine.resume([new])
    assert len(await claims(engine, want(new))) == 1
    await assert_conserved(engine)


async def test_pause_and_resume_by_two_at_once_lose_neither(harness: Harness) -> None:
    one, two = await both(harness)
    await one.pause([QUEUE])

    await asyncio.gather(one.resume([QUEUE]), two.pause([OTHER]))

    assert await one.paused() == await two.paused() == frozenset({OTHER})


@needs(Feature.SHARED)
async def test_a_pause_holds_for_every_process(harness: Harness) -> None:
    await push(harness.engine, job())
    other = await harness.second()
    assert await other.paused() == frozenset()

    await harness.engine.pause([QUEUE])
    assert await claims(other) == []

    await harness.engine.resume([QUEUE])
    assert len(await claims(other)) == 1


@needs(Feature.DURABLE)
async def test_a_pause_survives_a_crash(harness: Harness) -> None:
    await push(harness.engine, job())
    await harness.engine.pause([QUEUE])

    await harness.crash()

    assert await harness.engine.paused() == frozenset({QUEUE})
    assert await claims(harness.engine) == []
    await harness.engine.resume([QUEUE])
    await harness.crash()
    assert len(await claims(harness.engine)) == 1
