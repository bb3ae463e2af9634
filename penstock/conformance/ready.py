"""Ready: the queues that are worth a claim, the most urgent first."""

from collections import Counter

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    TTL,
    claim_one,
    claimed_job,
    claims,
    expire,
    job,
    jobs,
    push,
    push_one,
    put,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import states
from penstock.engine import Ack, Bury, Cancel, Engine, Feature, ReadyQueue, Release, Retry
from penstock.job import FollowUp, On, QueueKey, State

TYPES = (QUEUE.type, OTHER.type)


async def test_a_queue_with_a_ready_job_is_named_with_the_priority_of_its_head(
    harness: Harness,
) -> None:
    await push(harness.engine, *(job(priority=p) for p in (9, 700, 80)))

    assert await _ready(harness.engine) == [ReadyQueue(queue=QUEUE, priority=700)]


async def test_the_queue_with_the_highest_head_comes_first(harness: Harness) -> None:
    heads = {QueueKey(f"wiki-{p}", "mail"): p for p in (80, 1000, 9, 0, 700)}
    await push(harness.engine, *(job(queue=queue, priority=p) for queue, p in heads.items()))

    found = await _ready(harness.engine)

    assert [one.priority for one in found] == [1000, 700, 80, 9, 0]
    assert {one.queue: one.priority for one in found} == heads


async def test_no_more_queues_are_named_than_asked_for(harness: Harness) -> None:
    await push(harness.engine, *(job(queue=QueueKey(str(p), "mail"), priority=p) for p in range(9)))

    found = await harness.engine.ready(TYPES, limit=3)

    assert [one.priority for one in found] == [8, 7, 6]


async def test_of_equal_queues_none_is_passed_over_for_ever(harness: Harness) -> None:
    queues = [QueueKey(domain, "mail") for domain in ("a", "b", "c")]
    await push(harness.engine, *(job(queue=queue) for queue in queues for _ in range(60)))

    served: Counter[QueueKey] = Counter()
    for _ in range(55):
        [next_one] = await harness.engine.ready(TYPES, limit=1)
        await claim_one(harness.engine, next_one.queue)
        served[next_one.queue] += 1

    assert set(served) == set(queues)


async def test_queues_of_other_types_are_not_named(harness: Harness) -> None:
    await push(harness.engine, job(), job(queue=OTHER))

    assert await _queues(harness.engine, {QUEUE.type}) == [QUEUE]
    assert await _queues(harness.engine, {"unused"}) == []
    assert await _queues(harness.engine, set()) == []


async def test_queues_of_other_domains_are_not_named(harness: Harness) -> None:
    tenant = QueueKey("tenant", QUEUE.type)
    await push(harness.engine, job(), job(queue=tenant))

    assert set(await _queues(harness.engine)) == {QUEUE, tenant}
    assert await _queues(harness.engine, domains=["tenant"]) == [tenant]
    assert await _queues(harness.engine, domains=["unused"]) == []
    assert await _queues(harness.engine, domains=[]) == []


async def test_a_queue_without_ready_jobs_is_not_named(harness: Harness) -> None:
    for state in states(harness.engine):
        await put(harness.engine, state, job(queue=QueueKey(state.value, QUEUE.type)))

    assert await _queues(harness.engine) == [QueueKey(State.READY.value, QUEUE.type)]


async def test_a_queue_is_named_until_its_last_job_is_claimed(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b"))

    await claim_one(harness.engine)
    assert await _queues(harness.engine) == [QUEUE]

    await claim_one(harness.engine)
    assert await _queues(harness.engine) == []


async def test_the_priority_is_that_of_the_next_job(harness: Harness) -> None:
    await push(harness.engine, job(priority=900), job(priority=100))

    await claim_one(harness.engine)

    assert await _ready(harness.engine) == [ReadyQueue(queue=QUEUE, priority=100)]


async def test_a_raised_twin_raises_its_queue(harness: Harness) -> None:
    await push(harness.engine, job(dedupe_key="key", priority=100))

    await push(harness.engine, job(dedupe_key="key", priority=900))

    assert await _ready(harness.engine) == [ReadyQueue(queue=QUEUE, priority=900)]


async def test_a_queue_whose_job_was_cancelled_or_deleted_is_not_named(harness: Harness) -> None:
    cancelled, deleted = await push(harness.engine, job(), job(queue=OTHER))

    await harness.engine.cancel([Cancel(id=cancelled)])
    await harness.engine.delete([deleted])

    assert await _queues(harness.engine) == []


async def test_a_paused_queue_is_not_named_until_it_is_resumed(harness: Harness) -> None:
    await push(harness.engine, job(), job(queue=OTHER))

    await harness.engine.pause([QUEUE])
    assert await _queues(harness.engine) == [OTHER]

    await harness.engine.resume([QUEUE])
    assert set(await _queues(harness.engine)) == {QUEUE, OTHER}


@needs(Feature.DELAY)
async def test_a_promoted_job_makes_its_queue_ready(harness: Harness) -> None:
    await push(harness.engine, job(delay=MINUTE, priority=700))
    assert await _queues(harness.engine) == []

    await harness.age(MINUTE + SECOND)
    await harness.engine.promote(MANY)

    assert await _ready(harness.engine) == [ReadyQueue(queue=QUEUE, priority=700)]


async def test_released_and_retried_jobs_make_their_queues_ready(harness: Harness) -> None:
    released = await claimed_job(harness.engine)
    retried = await claimed_job(harness.engine, job(queue=OTHER))
    assert await _queues(harness.engine) == []

    await harness.engine.release([Release(ref=released.ref)])
    await harness.engine.retry([Retry(ref=retried.ref, after=NOTHING, error="boom")])

    assert set(await _queues(harness.engine)) == {QUEUE, OTHER}


@needs(Feature.DELAY)
async def test_jobs_given_back_for_later_do_not_make_their_queues_ready(harness: Harness) -> None:
    released = await claimed_job(harness.engine)
    retried = await claimed_job(harness.engine, job(queue=OTHER))

    await harness.engine.release([Release(ref=released.ref, after=HOUR)])
    await harness.engine.retry([Retry(ref=retried.ref, after=HOUR, error="boom")])

    assert await _queues(harness.engine) == []


async def test_a_reclaimed_job_makes_its_queue_ready(harness: Harness) -> None:
    await claimed_job(harness.engine)

    await expire(harness)
    await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)

    assert await _queues(harness.engine) == [QUEUE]


async def test_a_requeued_job_makes_its_queue_ready(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await harness.engine.bury([Bury(ref=held.ref, error="boom")])

    await harness.engine.requeue([held.job.id])

    assert await _queues(harness.engine) == [QUEUE]


async def test_a_follow_up_makes_its_queue_ready(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    follow_up = FollowUp(on=On.DONE, job=job(queue=OTHER))

    await harness.engine.ack([Ack(ref=held.ref, follow_ups=[follow_up])])

    assert await _queues(harness.engine) == [OTHER]


async def test_queues_are_told_apart_by_the_whole_of_their_names(harness: Harness) -> None:
    queues = {QueueKey(text, text) for text in HOSTILE_TEXTS} | {QueueKey("Default", "Mail")}
    await push(harness.engine, *(job(queue=queue) for queue in queues))
    types = [queue.type for queue in queues]

    assert set(await _queues(harness.engine, types)) == queues
    assert await _queues(harness.engine, ["mail"]) == []
    assert await _queues(harness.engine, types, ["default"]) == []


async def test_two_hundred_queues_are_all_named(harness: Harness) -> None:
    queues = {QueueKey(f"wiki-{n}", TYPES[n % 2]) for n in range(200)}
    await push(harness.engine, *(job(queue=queue) for queue in queues))

    assert set(await _queues(harness.engine)) == queues


async def test_asking_changes_nothing(harness: Harness) -> None:
    await push_one(harness.engine, job())

    assert await _queues(harness.engine) == await _queues(harness.engine) == [QUEUE]
    assert len(await claims(harness.engine, want())) == 1


async def test_ready_queues_are_named_after_reopen(harness: Harness) -> None:
    await push(harness.engine, job(priority=700), job(queue=OTHER))
    await harness.engine.pause([OTHER])

    await harness.reopen()

    assert await _ready(harness.engine) == [ReadyQueue(queue=QUEUE, priority=700)]


@needs(Feature.DURABLE)
async def test_ready_queues_are_named_after_a_crash(harness: Harness) -> None:
    held = await claimed_job(harness.engine, job(queue=OTHER))
    await push(harness.engine, job(priority=700))
    await harness.engine.release([Release(ref=held.ref)])

    await harness.crash()

    assert [one.queue for one in await _ready(harness.engine)] == [QUEUE, OTHER]


@needs(Feature.SHARED)
async def test_another_process_sees_the_same_queues(harness: Harness) -> None:
    another = await harness.second()
    await push(harness.engine, job(priority=700))

    assert await _ready(another) == [ReadyQueue(queue=QUEUE, priority=700)]
    await claim_one(another)
    assert await _ready(harness.engine) == []


async def _ready(engine: Engine) -> list[ReadyQueue]:
    return list(await engine.ready(TYPES, limit=MANY))


async def _queues(
    engine: Engine,
    types: set[str] | list[str] | tuple[str, ...] = TYPES,
    domains: list[str] | None = None,
) -> list[QueueKey]:
    return [found.queue for found in await engine.ready(types, domains, limit=MANY)]
