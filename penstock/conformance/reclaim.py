# long: every case of one verb, to be found in one place
"""Reclaim: what a lost worker held is ready again, or handed to the caller to be ended."""

import asyncio

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    OTHER,
    QUEUE,
    RIVAL,
    TTL,
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
    name_of,
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
from penstock.conformance.stories import asked, handed_out, one_of_each, overtaken, then
from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Engine, Feature, Reclaimed, Release
from penstock.job import Claim, Counts, Delivery, NewJob, On, QueueKey, State

NOBODY = Reclaimed(0, [])


async def test_reclaim_readies_the_job_of_an_expired_claim(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(priority=7))
    await expire(harness)

    assert await _reclaim(engine) == Reclaimed(1, [])

    ready = await read(engine, held.job.id)
    assert ready.state is State.READY
    assert ready.error is not None
    assert ready.error.startswith("lost: ")
    assert (ready.attempt, ready.fence, ready.priority) == (1, 1, 7)
    assert ready.finished_at is None
    assert await counts_of(engine) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_a_reclaimed_job_is_claimed_with_the_next_fence_and_attempt(
    harness: Harness,
) -> None:
    engine = harness.engine
    late = await claimed_job(engine)
    await expire(harness)
    await _reclaim(engine)

    fresh = await claim_one(engine, worker=RIVAL)

    assert (fresh.job.id, fresh.job.fence, fresh.job.attempt) == (late.job.id, 2, 2)
    assert fresh.job.worker == RIVAL


async def test_reclaim_takes_nothing_before_its_time(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine, job("more left"), ttl=HOUR)
    await claimed_job(engine, job("last", max_attempts=1), ttl=HOUR)
    await claimed_job(engine, job("once", delivery=Delivery.AT_MOST_ONCE), ttl=HOUR)
    await asked(engine, ttl=HOUR)
    await harness.age(HOUR - MINUTE)

    async with untouched(engine, QUEUE):
        assert await _reclaim(engine) == NOBODY


async def test_reclaim_goes_by_the_time_of_each_claim(harness: Harness) -> None:
    engine = harness.engine
    short = await claimed_job(engine, ttl=TTL)
    long = await claimed_job(engine, ttl=HOUR)

    await expire(harness, TTL)
    assert (await _reclaim(engine)).readied == 1
    assert await state_of(engine, short.job.id) is State.READY
    assert await state_of(engine, long.job.id) is State.CLAIMED

    await expire(harness, HOUR)
    assert (await _reclaim(engine)).readied == 1
    assert await state_of(engine, long.job.id) is State.READY


async def test_reclaim_twice_in_a_row_takes_each_claim_once(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine, job("more left"))
    await claimed_job(engine, job("last", max_attempts=1))
    await expire(harness)

    first = await _reclaim(engine)

    async with untouched(engine, QUEUE):
        assert await _reclaim(engine) == NOBODY
    assert (first.readied, names(first.last)) == (1, ["last"])


async def test_reclaim_hands_out_the_job_on_its_last_attempt(harness: Harness) -> None:
    engine = harness.engine
    late = await claimed_job(engine, job(max_attempts=1))
    await expire(harness)

    reclaimed = await engine.reclaim(MANY, ttl=HOUR, worker=RIVAL)

    [last] = reclaimed.last
    assert reclaimed.readied == 0
    assert (last.job.id, last.job.fence, last.job.attempt) == (late.job.id, 2, 1)
    assert (last.job.state, last.job.worker) == (State.CLAIMED, RIVAL)
    assert last.job == await read(engine, last.job.id)
    assert last.until - late.until > HOUR - MINUTE
    assert await claims(engine) == []
    assert await counts_of(engine) == Counts(claimed=1, pushed=1)
    await assert_conserved(engine)


async def test_a_job_that_kills_its_workers_ends_dead(harness: Harness) -> None:
    engine = harness.engine
    id = await push_one(engine, job(max_attempts=3))
    for attempt in (1, 2):
        assert (await claim_one(engine)).job.attempt == attempt
        await expire(harness)
        assert await _reclaim(engine) == Reclaimed(1, [])
    assert (await claim_one(engine)).job.attempt == 3
    await expire(harness)

    [last] = (await _reclaim(engine)).last
    after = then(On.FAILED, job("failed", queue=OTHER))
    assert await engine.bury([Bury(ref=last.ref, error="lost", follow_ups=after)]) == [True]

    dead = await read(engine, id)
    assert (dead.state, dead.attempt, dead.fence) == (State.DEAD, 3, 4)
    assert name_of(await claim_one(engine, OTHER)) == "failed"
    await assert_conserved(engine)


async def test_reclaim_hands_out_again_what_its_caller_lost_too(harness: Harness) -> None:
    engine = harness.engine
    _, first = await handed_out(harness)

    await expire(harness)
    [second] = (await _reclaim(engine)).last
    assert await engine.bury(_bury(first, second)) == [False, True]

    dead = await read(engine, first.job.id)
    assert (dead.fence, dead.attempt) == (3, 1)
    await assert_conserved(engine)


async def test_the_late_worker_on_its_last_attempt_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    late, last = await handed_out(harness)

    async with untouched(engine, QUEUE):
        assert await engine.ack([Ack(ref=late.ref)]) == [False]

    assert await engine.ack([Ack(ref=last.ref)]) == [True]
    await assert_conserved(engine)


async def test_reclaim_hands_out_a_job_that_is_asked_to_cancel(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)
    await expire(harness)

    reclaimed = await _reclaim(engine)

    [last] = reclaimed.last
    assert reclaimed.readied == 0
    assert (last.job.fence, last.job.attempt) == (held.ref.fence + 1, 1)
    assert last.job.cancel_requested
    end = Cancel(id=last.job.id, fence=last.ref.fence)
    assert await engine.cancel([end]) == [CancelAnswer.CANCELLED]
    await assert_conserved(engine)


async def test_reclaim_takes_no_more_than_its_limit(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs(*"abcde"), *(job(name, max_attempts=1) for name in "fghij"))
    await claims(engine)
    await expire(harness)

    found = [await engine.reclaim(4, ttl=TTL, worker=RIVAL) for _ in range(4)]

    assert [one.readied + len(one.last) for one in found] == [4, 4, 2, 0]
    assert sum(one.readied for one in found) == 5
    assert sorted(name for one in found for name in names(one.last)) == list("fghij")
    await assert_conserved(engine)


async def test_reclaim_beside_a_ready_twin_leaves_both_alive(harness: Harness) -> None:
    await _reclaim_beside_twin(harness, job("twin", dedupe_key="k"))

    assert names(await claims(harness.engine)) == ["first", "beside", "twin"]
    await assert_conserved(harness.engine)


@needs(Feature.DELAY)
async def test_reclaim_beside_a_scheduled_twin_leaves_both_alive(harness: Harness) -> None:
    await _reclaim_beside_twin(harness, job("twin", dedupe_key="k", delay=HOUR))

    assert names(await claims(harness.engine)) == ["first", "beside"]
    await harness.age(HOUR)
    assert (await harness.engine.promote(MANY)).count == 1
    assert names(await claims(harness.engine)) == ["twin"]
    await assert_conserved(harness.engine)


async def test_a_reclaimed_job_no_longer_carries_its_key(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine, job("first", dedupe_key="k"))
    await expire(harness)
    await _reclaim(engine)

    [pushed] = await engine.push([job("twin", dedupe_key="k")])

    assert not pushed.deduplicated
    assert names(await claims(engine)) == ["first", "twin"]


async def test_a_reclaimed_job_keeps_its_place_by_priority_and_id(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine, job("high", priority=900))
    await push(
        engine, job("low", priority=100), job("higher", priority=901), job("b", priority=900)
    )
    await expire(harness)

    await _reclaim(engine)

    assert names(await claims(engine)) == ["higher", "high", "b", "low"]


async def test_a_late_release_does_not_free_the_job_of_its_new_holder(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)

    await engine.release([Release(ref=late.ref)])

    assert await claims(engine) == []
    assert await engine.ack([Ack(ref=fresh.ref)]) == [True]


async def test_reclaim_readies_jobs_of_a_paused_queue_too(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.pause([QUEUE])
    await expire(harness)

    assert await _reclaim(engine) == Reclaimed(1, [])

    assert await state_of(engine, held.job.id) is State.READY
    assert await claims(engine) == []


async def test_reclaim_works_for_all_queues_and_counts_each(harness: Harness) -> None:
    engine = harness.engine
    here, elsewhere = QueueKey("elsewhere", QUEUE.type), OTHER
    for queue in (QUEUE, here, elsewhere):
        await claimed_job(engine, job(queue=queue))
        await claimed_job(engine, job(queue=queue, max_attempts=1))
    await expire(harness)

    reclaimed = await _reclaim(engine)

    assert (reclaimed.readied, len(reclaimed.last)) == (3, 3)
    for queue in (QUEUE, here, elsewhere):
        assert await counts_of(engine, queue) == Counts(ready=1, claimed=1, pushed=2)
    await assert_conserved(engine)


async def test_reclaim_leaves_what_has_not_expired_alone(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine)
    await expire(harness)
    await one_of_each(engine, OTHER)
    await engine.claim([want(OTHER)], WORKER)
    await one_of_each(engine, OTHER)

    async with untouched(engine, OTHER):
        assert await _reclaim(engine) == Reclaimed(1, [])

    await assert_conserved(engine)


async def test_reclaim_by_two_at_once_takes_each_claim_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"), *(job(name, max_attempts=1) for name in "ijklmnop"))
    await claims(one)
    await expire(harness)

    found = await asyncio.gather(_reclaim(one), _reclaim(two))

    assert sum(each.readied for each in found) == 8
    assert sorted(name for each in found for name in names(each.last)) == list("ijklmnop")
    assert {last.ref.fence for each in found for last in each.last} == {2}
    await assert_conserved(one)


async def test_reclaim_and_ack_at_once_agree_on_who_was_first(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    held = await claims(one)
    await expire(harness)

    acked, reclaimed = await asyncio.gather(
        one.ack([Ack(ref=each.ref) for each in held]), _reclaim(two)
    )

    assert acked.count(False) == reclaimed.readied
    assert await counts_of(one) == Counts(done=acked.count(True), ready=reclaimed.readied, pushed=8)
    await assert_conserved(one)


async def test_reclaim_of_an_empty_store_takes_nothing(harness: Harness) -> None:
    assert await _reclaim(harness.engine) == NOBODY


async def test_reclaim_never_touches_what_nobody_holds(harness: Harness) -> None:
    engine = harness.engine
    for state in await one_of_each(engine, QUEUE):
        if state is not State.CLAIMED:
            await put(engine, state, job(queue=OTHER))
    await expire(harness)

    async with untouched(engine, OTHER):
        assert await _reclaim(engine) == Reclaimed(1, [])


@needs(Feature.DURABLE)
async def test_reclaim_survives_a_crash(harness: Harness) -> None:
    readied = await claimed_job(harness.engine)
    _, last = await handed_out(harness)

    await harness.crash()

    engine = harness.engine
    assert await state_of(engine, readied.job.id) is State.READY
    assert await _reclaim(engine) == NOBODY
    assert await engine.bury(_bury(last)) == [True]
    assert (await claim_one(engine)).job.fence == 2
    await assert_conserved(engine)


@needs(Feature.DURABLE)
async def test_claims_of_a_crashed_process_are_reclaimed(harness: Harness) -> None:
    held = await claimed_job(harness.engine)

    await harness.crash()
    await expire(harness)

    assert await _reclaim(harness.engine) == Reclaimed(1, [])
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [False]
    await assert_conserved(harness.engine)


async def _reclaim(engine: Engine) -> Reclaimed:
    return await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)


def _bury(*held: Claim) -> list[Bury]:
    return [Bury(ref=one.ref, error="lost") for one in held]


async def _reclaim_beside_twin(harness: Harness, new: NewJob) -> None:
    engine = harness.engine
    first = await claimed_job(engine, job("first", dedupe_key="k"))
    await claimed_job(engine, job("beside"))
    twin = await push_one(engine, new)
    await expire(harness)

    assert await _reclaim(engine) == Reclaimed(2, [])

    [again] = await engine.push([job("again", dedupe_key="k", delay=new.delay)])
    assert (again.id, again.deduplicated) == (twin, True)
    assert await state_of(engine, first.job.id) is State.READY
