"""Purge: ended jobs leave when they were kept long enough, and are counted as deleted."""

import asyncio

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    MINUTE,
    OTHER,
    QUEUE,
    SECOND,
    TTL,
    WORKER,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    job,
    jobs,
    key,
    names,
    push,
    push_one,
    put,
    read,
    root,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import one_of_each, then
from penstock.engine import IDEMPOTENCY_MEMORY, ROOT_MEMORY, Ack, Bury, Cancel, Engine, Feature
from penstock.job import ClaimRef, Counts, JobId, On, Presence, State


async def test_purge_deletes_an_ended_job_past_its_keep(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.ack([Ack(ref=held.ref, keep=MINUTE)])
    await harness.age(MINUTE + SECOND)

    assert await engine.purge(MANY) == 1

    assert await state_of(engine, held.job.id) is None
    assert await counts_of(engine) == Counts(deleted=1, pushed=1)
    await assert_conserved(engine)


async def test_purge_takes_nothing_before_its_time(harness: Harness) -> None:
    engine = harness.engine
    await _end_each(engine)
    await harness.age(HOUR - MINUTE)

    async with untouched(engine, QUEUE):
        assert await engine.purge(MANY) == 0


async def test_purge_takes_ended_jobs_of_each_state(harness: Harness) -> None:
    engine = harness.engine
    ids = await _end_each(engine)
    await harness.age(HOUR + SECOND)

    assert await engine.purge(MANY) == len(ids)

    assert await engine.get(ids) == [None] * len(ids)
    assert (await counts_of(engine)).deleted == len(ids)
    await assert_conserved(engine)


async def test_purge_goes_by_what_each_job_was_kept_for(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b", "c"))
    first, second, third = await claims(engine)
    await engine.ack([Ack(ref=first.ref, keep=DAY), Ack(ref=second.ref, keep=MINUTE)])
    await engine.bury([Bury(ref=third.ref, error="boom", keep=HOUR)])

    left = []
    for span in (MINUTE, HOUR, DAY):
        await harness.age(span + SECOND)
        await engine.purge(MANY)
        left.append([await state_of(engine, each.job.id) for each in (first, second, third)])

    assert left == [[State.DONE, None, State.DEAD], [State.DONE, None, None], [None, None, None]]
    await assert_conserved(engine)


async def test_purge_keeps_each_end_for_its_usual_time(harness: Harness) -> None:
    engine = harness.engine
    ids = {state: await put(engine, state) for state in State if state.ended}
    week = 7 * DAY

    left = []
    for span in (DAY - HOUR, 2 * HOUR, week - DAY - 2 * HOUR, 2 * HOUR):
        await harness.age(span)
        await engine.purge(MANY)
        left.append({state for state, id in ids.items() if await state_of(engine, id)})

    assert left == [set(ids), {State.DEAD, State.CANCELLED}, {State.DEAD, State.CANCELLED}, set()]


async def test_purge_takes_no_more_than_its_limit(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs(*"abcde"))
    for held in await claims(engine):
        await engine.ack([Ack(ref=held.ref, keep=MINUTE)])
    await harness.age(HOUR)

    told = []
    for _ in range(4):
        told.append((await engine.purge(2), (await counts_of(engine)).deleted))

    assert told == [(2, 2), (2, 4), (1, 5), (0, 5)]
    await assert_conserved(engine)


async def test_purge_never_takes_a_job_that_has_not_ended(harness: Harness) -> None:
    engine = harness.engine
    ids = await one_of_each(engine, QUEUE)
    await harness.age(400 * DAY)

    await engine.purge(MANY)

    left = {state for state, id in ids.items() if await state_of(engine, id) is not None}
    assert left == {state for state in ids if not state.ended}
    await assert_conserved(engine)


async def test_purge_forgets_the_keep_of_a_job_that_was_requeued(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.bury([Bury(ref=held.ref, error="boom", keep=MINUTE)])
    await engine.requeue([held.job.id])
    await harness.age(HOUR)

    assert await engine.purge(MANY) == 0

    again = await claim_one(engine)
    await engine.ack([Ack(ref=again.ref, keep=DAY)])
    await harness.age(HOUR)
    assert await engine.purge(MANY) == 0
    assert await state_of(engine, held.job.id) is State.DONE


async def test_a_purged_job_is_gone_for_every_move(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.bury([Bury(ref=held.ref, error="boom", keep=MINUTE)])
    await harness.age(HOUR)
    await engine.purge(MANY)
    id = held.job.id

    assert await engine.requeue([id]) == [False]
    assert await engine.delete([id]) == [False]
    assert await engine.ack([Ack(ref=held.ref), Ack(ref=ClaimRef(id, 2))]) == [False, False]
    assert await engine.claim_ids([id], ttl=TTL, worker=WORKER) == []
    assert await counts_of(engine) == Counts(deleted=1, pushed=1)


async def test_purge_of_a_job_leaves_its_follow_ups(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.DONE, job("after", queue=OTHER))
    await engine.ack([Ack(ref=held.ref, keep=MINUTE, follow_ups=after)])
    await harness.age(HOUR)

    assert await engine.purge(MANY) == 1

    assert names(await claims(engine, want(OTHER))) == ["after"]
    await assert_conserved(engine)


async def test_purge_of_a_follow_up_leaves_it_listed(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.DONE, job("after", queue=OTHER))
    await engine.ack([Ack(ref=held.ref, keep=DAY, follow_ups=after)])
    done = await read(engine, held.job.id)
    late = await claim_one(engine, OTHER)
    await engine.ack([Ack(ref=late.ref, keep=MINUTE)])
    await harness.age(HOUR)

    assert await engine.purge(MANY) == 1

    assert (await read(engine, held.job.id)).follow_ups == done.follow_ups


async def test_purge_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.ack([Ack(ref=held.ref, keep=MINUTE)])
    await harness.age(HOUR)
    await one_of_each(engine, OTHER)

    async with untouched(engine, OTHER):
        assert await engine.purge(MANY) == 1

    await assert_conserved(engine)


async def test_purge_by_two_at_once_counts_each_job_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    await one.ack([Ack(ref=held.ref, keep=MINUTE) for held in await claims(one)])
    await harness.age(HOUR)

    assert sum(await asyncio.gather(one.purge(MANY), two.purge(MANY))) == 8

    assert await counts_of(one) == Counts(deleted=8, pushed=8)
    await assert_conserved(two)


async def test_purge_of_an_empty_store_takes_nothing(harness: Harness) -> None:
    assert await harness.engine.purge(MANY) == 0


async def test_purge_forgets_roots_that_were_not_pushed_for_long(harness: Harness) -> None:
    engine = harness.engine
    newest = await claimed_job(engine, job(root=root(2)))
    await engine.ack([Ack(ref=newest.ref)])

    await harness.age(ROOT_MEMORY - HOUR)
    await engine.purge(MANY)
    await push(engine, job("remembered", root=root(1)))
    assert await claims(engine) == []
    await harness.age(2 * HOUR)
    await engine.purge(MANY)
    await push(engine, job("forgotten", root=root(1)))

    assert names(await claims(engine)) == ["forgotten"]
    await assert_conserved(engine)


async def test_purge_forgets_keys_after_their_day(harness: Harness) -> None:
    engine = harness.engine
    first = await push_one(engine, job(idempotency=key()))

    await harness.age(IDEMPOTENCY_MEMORY - HOUR)
    await engine.purge(MANY)
    [known] = await engine.push([job(idempotency=key())])
    await harness.age(2 * HOUR)
    await engine.purge(MANY)
    [new] = await engine.push([job(idempotency=key())])

    assert (known.id, known.replayed) == (first, True)
    assert (new.id == first, new.replayed) == (False, False)
    await assert_conserved(engine)


async def test_purge_leaves_live_presences(harness: Harness) -> None:
    engine = harness.engine
    short, long = Presence(worker="short", slots=1), Presence(worker="long", slots=1)
    await engine.announce(short, TTL)
    await engine.announce(long, HOUR)
    await harness.age(MINUTE)

    await engine.purge(MANY)

    assert list(await engine.workers()) == [long]


@needs(Feature.DURABLE)
async def test_purge_survives_a_crash(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await harness.engine.ack([Ack(ref=held.ref, keep=MINUTE)])
    await harness.age(HOUR)
    await harness.engine.purge(MANY)

    await harness.crash()

    assert await state_of(harness.engine, held.job.id) is None
    assert await counts_of(harness.engine) == Counts(deleted=1, pushed=1)
    await assert_conserved(harness.engine)


async def _end_each(engine: Engine) -> list[JobId]:
    """Jobs that ended in each way and are kept for an hour."""
    done, dead, held = [await claimed_job(engine, job(name)) for name in ("done", "dead", "held")]
    waiting = await push_one(engine, job("waiting"))
    await engine.ack([Ack(ref=done.ref, keep=HOUR)])
    await engine.bury([Bury(ref=dead.ref, error="boom", keep=HOUR)])
    by_holder = Cancel(id=held.job.id, fence=held.ref.fence, keep=HOUR)
    await engine.cancel([Cancel(id=waiting, keep=HOUR), by_holder])
    return [done.job.id, dead.job.id, held.job.id, waiting, await _end_superseded(engine)]


async def _end_superseded(engine: Engine) -> JobId:
    old, _ = await push(engine, job(root=root(1)), job(root=root(2)))
    await engine.claim([want(keep=HOUR)], WORKER)
    assert await state_of(engine, old) is State.SUPERSEDED
    return old
