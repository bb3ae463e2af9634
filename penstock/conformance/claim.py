# long: what a claim gives, to whom, how much of it, and what it leaves alone
"""Claim: the right to move a job, given to one worker, with a fence of its own."""

import asyncio

from penstock.conformance.builders import (
    HOUR,
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
    both,
    claim,
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
from penstock.conformance.stories import states
from penstock.engine import Ack, Feature, Held, Release, Renew, Retry
from penstock.job import Counts, Progress, QueueKey, State


async def test_a_claimed_job_is_held_by_its_worker_until_its_time(harness: Harness) -> None:
    await push(harness.engine, job("a"))

    held = await claim_one(harness.engine, ttl=MINUTE, worker=WORKER)

    assert name_of(held) == "a"
    assert (held.job.state, held.job.worker) == (State.CLAIMED, WORKER)
    assert (held.job.attempt, held.job.fence) == (1, 1)
    assert held.job.claimed_at is not None
    assert held.job.pushed_at <= held.job.claimed_at
    assert abs(held.until - held.job.claimed_at - MINUTE) < SECOND


async def test_the_claim_shows_the_job_as_it_is_stored(harness: Harness) -> None:
    await push(harness.engine, job("a", priority=7))

    held = await claim_one(harness.engine)

    assert await read(harness.engine, held.job.id) == held.job


async def test_an_empty_queue_gives_nothing(harness: Harness) -> None:
    claimed = await claim(harness.engine, want(QueueKey("never", "used")))

    assert (list(claimed.claims), claimed.superseded) == ([], 0)
    assert (await harness.engine.claim([], WORKER)).claims == []


async def test_no_more_is_given_than_wanted(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"))

    assert names(await claims(harness.engine, want(limit=2))) == ["a", "b"]
    assert await counts_of(harness.engine) == Counts(pushed=3, claimed=2, ready=1)


async def test_who_wants_none_gets_none(harness: Harness) -> None:
    await push(harness.engine, job())

    async with untouched(harness.engine, QUEUE):
        assert await claims(harness.engine, want(limit=0)) == []


async def test_a_claimed_job_is_not_given_again(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b"))
    await claim_one(harness.engine)

    assert names(await claims(harness.engine, worker=RIVAL)) == ["b"]
    assert await claims(harness.engine, worker=RIVAL) == []


async def test_an_expired_claim_is_not_given_before_it_was_reclaimed(harness: Harness) -> None:
    held = await claimed_job(harness.engine)

    await expire(harness)

    assert await claims(harness.engine, worker=RIVAL) == []
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]


async def test_only_ready_jobs_are_given(harness: Harness) -> None:
    for state in states(harness.engine):
        await put(harness.engine, state, job(state.value, queue=QueueKey("all", state.value)))

    given = [
        name
        for state in states(harness.engine)
        for name in names(await claims(harness.engine, want(QueueKey("all", state.value))))
    ]

    assert given == ["ready"]


@needs(Feature.DELAY)
async def test_a_due_job_is_given_once_it_was_promoted(harness: Harness) -> None:
    await push(harness.engine, job("due", delay=MINUTE), job("later", delay=HOUR))
    await harness.age(MINUTE + SECOND)
    await harness.engine.promote(MANY)

    [held] = await claims(harness.engine)

    assert name_of(held) == "due"
    assert held.job.run_at is None


async def test_several_queues_are_served_in_the_order_of_the_wants(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"), *jobs("x", "y", "z", queue=OTHER))

    given = await claims(harness.engine, want(OTHER, limit=2), want(QUEUE, limit=1))

    assert names(given) == ["x", "y", "a"]


async def test_each_want_has_a_ttl_of_its_own(harness: Harness) -> None:
    await push(harness.engine, job("short"), job("long", queue=OTHER))

    short, long = await claims(harness.engine, want(ttl=MINUTE), want(OTHER, ttl=HOUR))

    assert abs(long.until - short.until - (HOUR - MINUTE)) < SECOND


async def test_many_queues_are_served_by_one_call(harness: Harness) -> None:
    queues = [QueueKey(f"wiki-{n}", "mail") for n in range(60)]
    await push(harness.engine, *(job(queue.domain, queue=queue) for queue in queues))

    given = await claims(harness.engine, *(want(queue) for queue in reversed(queues)))

    assert names(given) == [queue.domain for queue in reversed(queues)]


async def test_a_queue_that_is_wanted_twice_gives_each_job_once(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"))

    given = await claims(harness.engine, want(limit=2), want(limit=2))

    assert names(given) == ["a", "b", "c"]
    await assert_conserved(harness.engine)


async def test_a_want_without_jobs_does_not_spoil_the_others(harness: Harness) -> None:
    await push(harness.engine, job("a"))

    assert names(await claims(harness.engine, want(OTHER), want(QUEUE))) == ["a"]


async def test_a_claim_leaves_the_other_queue_alone(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b"), *jobs("x", "y", queue=OTHER))

    async with untouched(harness.engine, OTHER):
        await claims(harness.engine)
        await claims(harness.engine)


async def test_queues_whose_names_differ_a_little_get_nothing(harness: Harness) -> None:
    await push(harness.engine, job())
    alike = ("Mail", "mail ", " mail", "m\u00e4il", "mai", "mail2", "%", "*", "mai?")

    for type in alike:
        assert await claims(harness.engine, want(QueueKey(QUEUE.domain, type))) == []
        assert await claims(harness.engine, want(QueueKey(type, QUEUE.type))) == []


async def test_jobs_below_the_floor_are_left_alone(harness: Harness) -> None:
    await push(harness.engine, *(job(str(p), priority=p) for p in (400, 499, 500, 501, 600)))

    assert names(await claims(harness.engine, want(floor=500))) == ["600", "501", "500"]
    assert names(await claims(harness.engine)) == ["499", "400"]


async def test_a_floor_that_nothing_reaches_gives_nothing(harness: Harness) -> None:
    await push(harness.engine, job(priority=500))

    async with untouched(harness.engine, QUEUE):
        assert await claims(harness.engine, want(floor=501)) == []


async def test_each_claim_of_a_job_raises_its_fence(harness: Harness) -> None:
    first = await claimed_job(harness.engine)
    await harness.engine.release([Release(ref=first.ref)])
    second = await claim_one(harness.engine, worker=RIVAL)
    await harness.engine.retry([Retry(ref=second.ref, after=NOTHING, error="boom")])
    third = await claim_one(harness.engine)

    fences = [held.job.fence for held in (first, second, third)]
    attempts = [held.job.attempt for held in (first, second, third)]
    assert (fences, attempts) == ([1, 2, 3], [1, 1, 2])
    assert [held.job.worker for held in (first, second, third)] == [WORKER, RIVAL, WORKER]


async def test_attempts_are_counted_at_the_claim(harness: Harness) -> None:
    for attempt in (1, 2, 3):
        if attempt == 1:
            await push(harness.engine, job(max_attempts=4))
        held = await claim_one(harness.engine)
        assert (await read(harness.engine, held.job.id)).attempt == attempt

        await expire(harness)
        assert (await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).readied == 1


async def test_a_new_claim_starts_without_the_progress_of_the_one_before(
    harness: Harness,
) -> None:
    first = await claimed_job(harness.engine)
    await harness.engine.renew([Renew(ref=first.ref, ttl=TTL, progress=Progress(percent=40))])
    await harness.engine.retry([Retry(ref=first.ref, after=NOTHING, error="boom")])

    assert (await claim_one(harness.engine)).job.progress is None


async def test_two_at_once_never_get_the_same_job(harness: Harness) -> None:
    engines = await both(harness)
    ids = await push(harness.engine, *(job(str(n)) for n in range(100)))

    answers = await asyncio.gather(
        *(claims(engines[n % 2], want(limit=10), worker=f"worker-{n}") for n in range(20))
    )

    given = [held for answer in answers for held in answer]
    rest = await claims(harness.engine)
    assert sorted(held.job.id for held in [*given, *rest]) == ids
    assert {held.job.fence for held in given} == {1}
    await assert_conserved(harness.engine)


async def test_two_at_once_over_the_same_queues_in_turned_order_both_end(
    harness: Harness,
) -> None:
    one, another = await both(harness)
    await push(harness.engine, *(job(queue=queue) for queue in (QUEUE, OTHER) for _ in range(20)))

    answers = await asyncio.gather(
        claims(one, want(QUEUE), want(OTHER)), claims(another, want(OTHER), want(QUEUE))
    )

    given = [held.job.id for answer in answers for held in answer]
    given += [held.job.id for held in await claims(harness.engine, want(QUEUE), want(OTHER))]
    assert len(given) == len(set(given)) == 40


async def test_claims_are_counted(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b"), job(queue=OTHER))

    await claim_one(harness.engine)

    assert await counts_of(harness.engine) == Counts(pushed=2, ready=1, claimed=1)
    await assert_conserved(harness.engine)


async def test_a_claim_is_held_over_reopen(harness: Harness) -> None:
    held = await claimed_job(harness.engine, job("a"))

    await harness.reopen()

    assert await claims(harness.engine, worker=RIVAL) == []
    assert await read(harness.engine, held.job.id) == held.job
    assert await harness.engine.renew([Renew(ref=held.ref, ttl=TTL)]) == [Held.HELD]


@needs(Feature.DURABLE)
async def test_a_claim_survives_a_crash_and_counts_as_an_attempt(harness: Harness) -> None:
    held = await claimed_job(harness.engine)

    await harness.crash()
    await expire(harness)
    await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)

    again = await claim_one(harness.engine)
    assert (again.job.id, again.job.attempt, again.job.fence) == (held.job.id, 2, 2)
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [False]
    await assert_conserved(harness.engine)


async def test_a_job_deleted_before_its_turn_is_not_given(harness: Harness) -> None:
    gone = await push_one(harness.engine, job("gone"))
    await push(harness.engine, job("here"))

    await harness.engine.delete([gone])

    assert names(await claims(harness.engine)) == ["here"]
    assert await state_of(harness.engine, gone) is None
