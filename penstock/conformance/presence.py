"""Presence: live runners show themselves for a while; one known to be dead loses its claims."""

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
    WORKER,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    job,
    jobs,
    name_of,
    names,
    push,
    put,
    read,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import asked
from penstock.engine import Ack, Engine, Feature, Held, Reclaimed, Renew
from penstock.job import Counts, Delivery, Presence, State

ONE = Presence(worker=WORKER, slots=4, types=frozenset({"mail", "thumbnail"}))
TWO = Presence(worker=RIVAL, slots=1)


async def test_an_announced_runner_is_among_the_workers(harness: Harness) -> None:
    engine = harness.engine
    assert list(await engine.workers()) == []

    await engine.announce(ONE, TTL)
    await engine.announce(TWO, TTL)

    assert await _workers(engine) == {WORKER: ONE, RIVAL: TWO}


async def test_a_presence_ends_with_its_time(harness: Harness) -> None:
    engine = harness.engine
    await engine.announce(ONE, MINUTE)
    await engine.announce(TWO, HOUR)

    await harness.age(MINUTE - 10 * SECOND)
    assert await _workers(engine) == {WORKER: ONE, RIVAL: TWO}
    await harness.age(11 * SECOND)
    assert await _workers(engine) == {RIVAL: TWO}
    await harness.age(HOUR)
    assert await _workers(engine) == {}


async def test_an_announcement_prolongs_the_one_before(harness: Harness) -> None:
    engine = harness.engine

    for _ in range(3):
        await engine.announce(ONE, MINUTE)
        await harness.age(MINUTE - 10 * SECOND)

    assert await _workers(engine) == {WORKER: ONE}


async def test_an_announcement_replaces_the_one_before(harness: Harness) -> None:
    engine = harness.engine
    await engine.announce(ONE, TTL)
    smaller = Presence(worker=WORKER, slots=1, types=frozenset({"bounce"}))

    await engine.announce(smaller, TTL)

    assert list(await engine.workers()) == [smaller]


async def test_an_expired_runner_may_come_back(harness: Harness) -> None:
    engine = harness.engine
    await engine.announce(ONE, TTL)
    await harness.age(HOUR)
    assert await _workers(engine) == {}

    await engine.announce(ONE, TTL)

    assert await _workers(engine) == {WORKER: ONE}


async def test_the_end_of_a_presence_leaves_the_claims_alone(harness: Harness) -> None:
    engine = harness.engine
    await engine.announce(ONE, TTL)
    held = await claimed_job(engine, ttl=HOUR, worker=WORKER)
    await harness.age(MINUTE)

    assert await _workers(engine) == {}
    assert await _reclaim(engine) == Reclaimed(0, [])
    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_forget_expires_the_claims_of_a_dead_worker_now(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b"), *jobs("c", queue=OTHER))
    held = await claims(engine, want(ttl=HOUR), want(OTHER, ttl=HOUR), worker=WORKER)

    assert await engine.forget(WORKER) == 3

    assert await _reclaim(engine) == Reclaimed(3, [])
    assert await engine.ack([Ack(ref=each.ref) for each in held]) == [False] * 3
    assert names(await claims(engine, want(), want(OTHER), worker=RIVAL)) == ["a", "b", "c"]
    await assert_conserved(engine)


async def test_forget_leaves_the_claims_of_others_alone(harness: Harness) -> None:
    engine = harness.engine
    await claimed_job(engine, job("dead"), ttl=HOUR, worker=WORKER)
    alive = await claimed_job(engine, job("alive"), ttl=HOUR, worker=RIVAL)
    await put(engine, State.READY, job("ready"))

    assert await engine.forget(WORKER) == 1

    assert await _reclaim(engine) == Reclaimed(1, [])
    assert await state_of(engine, alive.job.id) is State.CLAIMED
    assert await engine.ack([Ack(ref=alive.ref)]) == [True]


async def test_forget_ends_the_presence_of_this_worker_only(harness: Harness) -> None:
    engine = harness.engine
    await engine.announce(ONE, TTL)
    await engine.announce(TWO, TTL)

    assert await engine.forget(WORKER) == 0

    assert await _workers(engine) == {RIVAL: TWO}


async def test_forget_of_an_unknown_worker_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, worker=WORKER)

    async with untouched(engine, QUEUE):
        assert await engine.forget("nobody") == 0

    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_forget_counts_only_what_the_worker_holds_now(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("done", "held"))
    done, _ = await claims(engine, want(ttl=HOUR), worker=WORKER)
    await engine.ack([Ack(ref=done.ref)])

    assert await engine.forget(WORKER) == 1

    await _reclaim(engine)
    assert await engine.forget(WORKER) == 0
    assert await counts_of(engine) == Counts(done=1, ready=1, pushed=2)


async def test_forget_lets_reclaim_hand_out_what_must_not_run_again(harness: Harness) -> None:
    engine = harness.engine
    last = await claimed_job(engine, job("last", max_attempts=1), ttl=HOUR)
    once = await claimed_job(engine, job("once", delivery=Delivery.AT_MOST_ONCE), ttl=HOUR)
    wanted = await asked(engine, job("wanted"), ttl=HOUR)

    assert await engine.forget(WORKER) == 3

    reclaimed = await _reclaim(engine)
    assert reclaimed.readied == 0
    assert {each.job.id for each in reclaimed.last} == {
        last.job.id,
        once.job.id,
        wanted.job.id,
    }
    assert {each.ref.fence for each in reclaimed.last} == {2}
    await assert_conserved(engine)


async def test_a_worker_forgotten_too_early_holds_while_nobody_took_its_claim(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine, ttl=HOUR)
    await engine.forget(WORKER)

    assert await engine.renew([Renew(ref=held.ref, ttl=TTL)]) == [Held.HELD]

    assert await _reclaim(engine) == Reclaimed(0, [])
    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_forget_keeps_the_job_as_it_was(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(priority=7), ttl=HOUR)

    async with untouched(engine, QUEUE):
        await engine.forget(WORKER)

    await _reclaim(engine)
    ready = await read(engine, held.job.id)
    assert (ready.priority, ready.attempt, ready.fence) == (7, 1, 1)
    assert ready.error is not None
    assert ready.error.startswith("lost: ")


async def test_forget_by_two_at_once_loses_no_claim(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    await claims(one, want(ttl=HOUR), worker=WORKER)

    await asyncio.gather(one.forget(WORKER), two.forget(WORKER))

    assert await _reclaim(two) == Reclaimed(8, [])
    await assert_conserved(one)


@needs(Feature.SHARED)
async def test_a_presence_is_seen_by_every_process(harness: Harness) -> None:
    other = await harness.second()
    await harness.engine.announce(ONE, TTL)
    await other.announce(TWO, TTL)

    assert await _workers(harness.engine) == await _workers(other) == {WORKER: ONE, RIVAL: TWO}
    await other.forget(WORKER)
    assert await _workers(harness.engine) == {RIVAL: TWO}


@needs(Feature.DURABLE)
async def test_forget_works_for_claims_made_before_a_crash(harness: Harness) -> None:
    await claimed_job(harness.engine, job("before"), ttl=HOUR)

    await harness.crash()

    assert await harness.engine.forget(WORKER) == 1
    assert await _reclaim(harness.engine) == Reclaimed(1, [])
    assert name_of(await claim_one(harness.engine, worker=RIVAL)) == "before"
    await assert_conserved(harness.engine)


async def _workers(engine: Engine) -> dict[str, Presence]:
    return {found.worker: found for found in await engine.workers()}


async def _reclaim(engine: Engine) -> Reclaimed:
    return await engine.reclaim(MANY, ttl=TTL, worker="upkeep")
