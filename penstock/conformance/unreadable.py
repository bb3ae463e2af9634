"""Unreadable: one row that cannot be decoded says so itself, and its batch goes on."""

from penstock.conformance.builders import (
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    TTL,
    WORKER,
    assert_conserved,
    claim,
    claim_one,
    claimed_job,
    claims,
    everything,
    expire,
    job,
    jobs,
    name_of,
    push,
    push_one,
    read,
    root,
    state_of,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Feature,
    Held,
    Pushed,
    ReadyQueue,
    Release,
    Renew,
    Retry,
)
from penstock.job import Claim, Job, JobId, NewJob, Progress, State, params_of


async def test_a_spoiled_job_says_why_it_cannot_be_read(harness: Harness) -> None:
    id = await _spoiled(harness)

    stored = await read(harness.engine, id)

    assert stored.unreadable
    assert not _can_be_run(stored)


async def test_the_rest_of_a_spoiled_job_can_be_read(harness: Harness) -> None:
    new = job(priority=7, max_attempts=5, root=root(1))

    stored = await read(harness.engine, await _spoiled(harness, new))

    assert (stored.queue, stored.state, stored.priority) == (new.queue, State.READY, 7)
    assert (stored.attempt, stored.fence, stored.max_attempts) == (0, 0, 5)
    assert stored.root == root(1)


async def test_the_jobs_beside_it_are_read_as_ever(harness: Harness) -> None:
    before, bad, after = await push(harness.engine, *jobs("before", "bad", "after"))
    await harness.spoil(bad)

    found = await harness.engine.get([before, bad, after])
    listed = await everything(harness.engine)

    assert [bool(one and one.unreadable) for one in found] == [False, True, False]
    assert [bool(one.unreadable) for one in listed] == [False, True, False]
    assert [name_of(listed[0]), name_of(listed[2])] == ["after", "before"]


async def test_a_claim_gives_it_with_the_jobs_beside_it(harness: Harness) -> None:
    _, bad, _ = await push(harness.engine, *jobs("before", "bad", "after"))
    await harness.spoil(bad)

    given = await claims(harness.engine)

    assert [bool(held.job.unreadable) for held in given] == [False, True, False]
    assert [name_of(given[0]), name_of(given[2])] == ["before", "after"]
    assert (given[1].job.fence, given[1].job.attempt) == (1, 1)


async def test_a_claim_by_id_gives_it(harness: Harness) -> None:
    id = await _spoiled(harness)

    [held] = await harness.engine.claim_ids([id], ttl=TTL, worker=WORKER)

    assert held.job.unreadable
    assert held.job.state is State.CLAIMED


async def test_whoever_claimed_it_can_bury_it_and_the_batch_goes_on(harness: Harness) -> None:
    _, bad, _ = await push(harness.engine, *jobs("before", "bad", "after"))
    await harness.spoil(bad)
    before, spoiled, after = await claims(harness.engine)

    reason = spoiled.job.unreadable or ""
    assert await harness.engine.bury([Bury(ref=spoiled.ref, error=reason)]) == [True]
    assert await harness.engine.ack([Ack(ref=before.ref), Ack(ref=after.ref)]) == [True, True]

    stored = await read(harness.engine, bad)
    assert (stored.state, stored.error) == (State.DEAD, reason)
    assert stored.unreadable
    await assert_conserved(harness.engine)


async def test_its_holder_may_do_with_it_whatever_he_may_with_others(harness: Harness) -> None:
    renewed, released, retried, acked = [await _held(harness) for _ in range(4)]
    progress = Progress(percent=1)

    told = [
        *await harness.engine.renew([Renew(ref=renewed.ref, ttl=TTL, progress=progress)]),
        *await harness.engine.release([Release(ref=released.ref)]),
        *await harness.engine.retry([Retry(ref=retried.ref, after=NOTHING, error="boom")]),
    ]

    assert told == [Held.HELD] * 3
    assert await harness.engine.ack([Ack(ref=acked.ref)]) == [True]
    await assert_conserved(harness.engine)


async def test_reclaim_hands_it_out_on_its_last_attempt(harness: Harness) -> None:
    spoiled = await claimed_job(harness.engine, job("bad", max_attempts=1))
    fine = await claimed_job(harness.engine, job("fine", max_attempts=1))
    await harness.spoil(spoiled.job.id)

    await expire(harness)
    last = (await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).last

    unreadable = {held.job.id: bool(held.job.unreadable) for held in last}
    assert unreadable == {spoiled.job.id: True, fine.job.id: False}


async def test_reclaim_readies_it_like_others(harness: Harness) -> None:
    await _held(harness)
    await claimed_job(harness.engine, job("fine"))

    await expire(harness)
    reclaimed = await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)

    assert (reclaimed.readied, list(reclaimed.last)) == (2, [])
    assert len(await claims(harness.engine)) == 2


@needs(Feature.DELAY)
async def test_it_is_promoted_like_others(harness: Harness) -> None:
    id = await _spoiled(harness, job("bad", delay=MINUTE))
    await push(harness.engine, job("fine", delay=MINUTE))

    await harness.age(MINUTE + SECOND)

    assert (await harness.engine.promote(MANY)).count == 2
    assert (await claims(harness.engine))[0].job.id == id


async def test_it_is_superseded_like_others(harness: Harness) -> None:
    id = await _spoiled(harness, job("bad", root=root(1)))
    await push(harness.engine, job("new", root=root(2)))

    assert (await claim(harness.engine)).superseded == 1
    assert await state_of(harness.engine, id) is State.SUPERSEDED


async def test_it_is_found_by_its_duplicate(harness: Harness) -> None:
    id = await _spoiled(harness, job("bad", dedupe_key="key", priority=100))

    answers = await harness.engine.push([job("twin", dedupe_key="key", priority=900)])

    assert answers == [Pushed(id=id, deduplicated=True)]
    assert (await read(harness.engine, id)).priority == 900


async def test_it_makes_its_queue_ready(harness: Harness) -> None:
    id = await _spoiled(harness, job("bad", priority=700))

    found = await harness.engine.ready([QUEUE.type], limit=MANY)

    assert list(found) == [ReadyQueue(queue=QUEUE, priority=700)]
    assert (await claim_one(harness.engine)).job.id == id


async def test_it_can_be_cancelled_deleted_and_requeued(harness: Harness) -> None:
    cancelled, deleted = await _spoiled(harness), await _spoiled(harness)
    dead = await _held(harness)
    await harness.engine.bury([Bury(ref=dead.ref, error="unreadable")])

    assert await harness.engine.cancel([Cancel(id=cancelled)]) == [CancelAnswer.CANCELLED]
    assert await harness.engine.delete([deleted]) == [True]
    assert await harness.engine.requeue([dead.job.id]) == [True]

    assert await state_of(harness.engine, dead.job.id) is State.READY
    await assert_conserved(harness.engine)


async def test_an_ended_one_is_read_and_purged_like_others(harness: Harness) -> None:
    held = await _held(harness)
    await harness.engine.ack([Ack(ref=held.ref, keep=MINUTE)])
    assert (await read(harness.engine, held.job.id)).unreadable

    await harness.age(MINUTE + SECOND)

    assert await harness.engine.purge(MANY) == 1
    assert await state_of(harness.engine, held.job.id) is None


async def test_it_leaves_the_other_queue_alone(harness: Harness) -> None:
    await push(harness.engine, job(queue=OTHER))

    async with untouched(harness.engine, OTHER):
        await _held(harness)
        await claims(harness.engine)


async def test_it_is_unreadable_after_reopen_too(harness: Harness) -> None:
    id = await _spoiled(harness)

    await harness.reopen()

    assert (await read(harness.engine, id)).unreadable
    assert (await claim_one(harness.engine)).job.unreadable


async def _spoiled(harness: Harness, new: NewJob | None = None) -> JobId:
    id = await push_one(harness.engine, new or job("bad"))
    await harness.spoil(id)
    return id


async def _held(harness: Harness) -> Claim:
    """A claim of a job that was spoiled while it was held."""
    held = await claimed_job(harness.engine, job("bad"))
    await harness.spoil(held.job.id)
    return held


def _can_be_run(stored: Job) -> bool:
    try:
        params_of(stored)
    except ValueError:
        return False
    return True
