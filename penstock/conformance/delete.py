"""Delete: a job that nobody holds is gone for good and counted."""

import asyncio

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    MINUTE,
    OTHER,
    QUEUE,
    TTL,
    UNKNOWN_ID,
    WORKER,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
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
from penstock.conformance.stories import one_of_each, states, then
from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Feature, Promoted
from penstock.job import WAITING, Counts, On, State


async def test_delete_removes_a_job_in_each_state_but_claimed(harness: Harness) -> None:
    engine = harness.engine
    ids = await one_of_each(engine, QUEUE)
    pushed = (await counts_of(engine)).pushed

    answers = await engine.delete(list(ids.values()))

    told = dict(zip(ids, answers, strict=True))
    assert told == {state: state is not State.CLAIMED for state in ids}
    assert [left.id for left in await everything(engine)] == [ids[State.CLAIMED]]
    expected = Counts(claimed=1, deleted=pushed - 1, pushed=pushed)
    assert await counts_of(engine) == expected
    await assert_conserved(engine)


async def test_delete_of_a_claimed_job_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    async with untouched(engine, QUEUE):
        assert await engine.delete([held.job.id]) == [False]

    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_a_deleted_job_is_gone_for_every_move(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.bury([Bury(ref=held.ref, error="boom")])
    id = held.job.id
    await engine.delete([id])

    assert await engine.get([id]) == [None]
    assert await engine.requeue([id]) == [False]
    assert await engine.cancel([Cancel(id=id)]) == [CancelAnswer.REFUSED]
    assert await engine.claim_ids([id], ttl=TTL, worker=WORKER) == []
    assert await engine.ack([Ack(ref=held.ref)]) == [False]
    assert await counts_of(engine) == Counts(deleted=1, pushed=1)
    await assert_conserved(engine)


async def test_a_deleted_job_is_neither_claimed_nor_promoted(harness: Harness) -> None:
    engine = harness.engine
    waiting = [state for state in states(engine) if state in WAITING]
    ids = [await put(engine, state) for state in waiting]

    assert await engine.delete(ids) == [True] * len(ids)

    await harness.age(DAY)
    assert await engine.promote(MANY) == Promoted(0, None)
    assert await claims(engine) == []
    assert list(await engine.ready([QUEUE.type], limit=MANY)) == []
    await assert_conserved(engine)


async def test_delete_frees_the_key_of_a_waiting_job(harness: Harness) -> None:
    engine = harness.engine
    waiting = [state for state in states(engine) if state in WAITING]
    ids = [await put(engine, state, job(dedupe_key=state.value)) for state in waiting]
    await engine.delete(ids)

    again = await engine.push([job(dedupe_key=state.value) for state in waiting])

    assert not any(one.deduplicated for one in again)
    assert not {one.id for one in again} & set(ids)
    assert len(await claims(engine)) == len(waiting)
    await assert_conserved(engine)


async def test_delete_of_an_ended_job_leaves_the_key_to_the_waiting_twin(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(dedupe_key="k"))
    await engine.ack([Ack(ref=held.ref)])
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.delete([held.job.id]) == [True]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)


async def test_delete_answers_each_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    ready, done = await put(engine, State.READY), await put(engine, State.DONE)
    claimed = await put(engine, State.CLAIMED)

    answers = await engine.delete([done, UNKNOWN_ID, claimed, ready])

    assert answers == [True, False, False, True]
    assert await counts_of(engine) == Counts(claimed=1, deleted=2, pushed=3)
    await assert_conserved(engine)


async def test_delete_of_one_job_twice_in_a_batch_counts_once(harness: Harness) -> None:
    engine = harness.engine
    id = await put(engine, State.READY)

    assert await engine.delete([id, id]) == [True, False]

    assert await counts_of(engine) == Counts(deleted=1, pushed=1)
    await assert_conserved(engine)


async def test_delete_of_a_job_leaves_its_follow_ups(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.DONE, job("after", queue=OTHER))
    await engine.ack([Ack(ref=held.ref, follow_ups=after)])

    await engine.delete([held.job.id])

    assert names(await claims(engine, want(OTHER))) == ["after"]
    await assert_conserved(engine)


async def test_delete_of_a_follow_up_leaves_it_listed(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.ack([Ack(ref=held.ref, follow_ups=then(On.DONE, job("after", queue=OTHER)))])
    done = await read(engine, held.job.id)

    await engine.delete([done.follow_ups[0].id])

    assert await read(engine, held.job.id) == done
    await assert_conserved(engine)


async def test_delete_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    ids = await one_of_each(engine, QUEUE)

    async with untouched(engine, OTHER):
        await engine.delete(list(ids.values()))

    await assert_conserved(engine)


async def test_delete_by_two_at_once_counts_each_job_once(harness: Harness) -> None:
    one, two = await both(harness)
    ids = await push(one, *jobs(*"abcdefgh"))

    answers = await asyncio.gather(one.delete(ids), two.delete(ids))

    assert [a + b for a, b in zip(*answers, strict=True)] == [1] * 8
    assert await counts_of(two) == Counts(deleted=8, pushed=8)
    await assert_conserved(one)


async def test_delete_and_claim_at_once_agree_on_who_was_first(harness: Harness) -> None:
    one, two = await both(harness)
    ids = await push(one, *jobs(*"abcdefgh"))

    deleted, claimed = await asyncio.gather(one.delete(ids), two.claim([want(limit=4)], WORKER))

    kept = {id for id, gone in zip(ids, deleted, strict=True) if not gone}
    assert {held.job.id for held in claimed.claims} == kept
    assert await one.ack([Ack(ref=held.ref) for held in claimed.claims]) == [True] * len(kept)
    await assert_conserved(one)


async def test_delete_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.delete([]) == []


@needs(Feature.DURABLE)
async def test_delete_survives_a_crash(harness: Harness) -> None:
    gone, kept = await push(harness.engine, *jobs("gone", "kept"))
    await harness.engine.delete([gone])

    await harness.crash()

    assert await state_of(harness.engine, gone) is None
    assert (await claim_one(harness.engine)).job.id == kept
    assert await counts_of(harness.engine) == Counts(claimed=1, deleted=1, pushed=2)
    await assert_conserved(harness.engine)


@needs(Feature.DELAY)
async def test_delete_of_the_next_scheduled_job_leaves_the_one_after_it(harness: Harness) -> None:
    engine = harness.engine
    first, second = await push(engine, job(delay=MINUTE), job(delay=HOUR))

    await engine.delete([first])

    told = await engine.promote(MANY)
    assert told.next_in is not None
    assert told.next_in > MINUTE
    await harness.age(HOUR)
    assert await engine.promote(MANY) == Promoted(1, None)
    assert await state_of(engine, second) is State.READY
