# long: a key has many ways to leave its job, and a duplicate many ways to raise its twin
"""De-duplication: at most one never-claimed job per queue and key, raised by each duplicate."""

import asyncio
from dataclasses import replace

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
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    everything,
    expire,
    job,
    name_of,
    names,
    push,
    push_one,
    read,
    root,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import Bury, Cancel, Engine, Feature, Pushed, Release, Retry
from penstock.job import Claim, Counts, Details, QueueKey, State

KEYED = job("keyed", dedupe_key="key")
TWIN = job("twin", dedupe_key="key")


async def test_a_duplicate_of_a_waiting_job_stores_nothing_and_names_it(harness: Harness) -> None:
    first = await push_one(harness.engine, KEYED)

    answers = await harness.engine.push([TWIN])

    assert answers == [Pushed(id=first, deduplicated=True)]
    assert names(await everything(harness.engine)) == ["keyed"]
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)


async def test_a_duplicate_within_one_batch_is_found_too(harness: Harness) -> None:
    first, between, second = await harness.engine.push([KEYED, job("between"), TWIN])

    assert second == Pushed(id=first.id, deduplicated=True)
    assert not between.deduplicated
    assert sorted(names(await claims(harness.engine))) == ["between", "keyed"]


async def test_jobs_without_a_key_are_never_equal(harness: Harness) -> None:
    first, second = await harness.engine.push([job("a"), job("a")])

    assert first.id != second.id
    assert not second.deduplicated


async def test_jobs_with_other_keys_are_not_equal(harness: Harness) -> None:
    answers = await harness.engine.push([KEYED, job(dedupe_key="other key")])

    assert [one.deduplicated for one in answers] == [False, False]


async def test_a_key_counts_in_its_own_queue_only(harness: Harness) -> None:
    elsewhere = QueueKey("tenant", QUEUE.type)
    await push_one(harness.engine, KEYED)

    answers = await harness.engine.push(
        [job(queue=OTHER, dedupe_key="key"), job(queue=elsewhere, dedupe_key="key")]
    )

    assert [one.deduplicated for one in answers] == [False, False]


async def test_a_duplicate_leaves_the_other_queue_alone(harness: Harness) -> None:
    await push(harness.engine, KEYED, job(queue=OTHER, dedupe_key="key"))

    async with untouched(harness.engine, OTHER):
        await push(harness.engine, job(dedupe_key="key", priority=900, root=root(9)))


async def test_queue_and_key_that_join_to_the_same_text_are_not_equal(harness: Harness) -> None:
    alike = [
        job(queue=QueueKey(domain, type), dedupe_key=key)
        for separator in "/:|-. \x1f"
        for domain, type, key in (
            (f"a{separator}b", "c", "d"),
            ("a", f"b{separator}c", "d"),
            ("a", "b", f"c{separator}d"),
        )
    ]

    answers = await harness.engine.push(alike)

    assert not any(one.deduplicated for one in answers)


async def test_keys_that_differ_a_little_are_not_equal(harness: Harness) -> None:
    alike = ["key", "Key", "key ", " key", "k\u00e9y", "ke\u0301y", "k\u0435y", "%", "_", "*", "0"]

    answers = await harness.engine.push([job(dedupe_key=key) for key in alike])

    assert not any(one.deduplicated for one in answers)


async def test_hostile_and_long_keys_are_found_again(harness: Harness) -> None:
    for text in (*HOSTILE_TEXTS, "k" * 500):
        first = await push_one(harness.engine, job(dedupe_key=text))

        assert await harness.engine.push([job(dedupe_key=text)]) == [
            Pushed(id=first, deduplicated=True)
        ]


async def test_the_twin_keeps_what_it_was_pushed_with(harness: Harness) -> None:
    id = await push_one(harness.engine, job("first", dedupe_key="key", max_attempts=5))

    await push(
        harness.engine,
        job("second", dedupe_key="key", details=Details(context="late"), max_attempts=9),
    )

    stored = await read(harness.engine, id)
    assert (name_of(stored), stored.details, stored.max_attempts) == ("first", Details(), 5)


async def test_a_waiting_job_tells_its_key(harness: Harness) -> None:
    texts = (*HOSTILE_TEXTS, "x" * 255)
    ids = await push(harness.engine, *(job(dedupe_key=text) for text in texts), job())

    found = await harness.engine.get(ids)

    assert [one and one.dedupe_key for one in found] == [*texts, None]


async def test_a_job_that_was_claimed_tells_no_key_beside_its_later_twin(harness: Harness) -> None:
    held = await claimed_job(harness.engine, KEYED)
    later = await push_one(harness.engine, TWIN)
    claimed = await read(harness.engine, held.job.id)
    await harness.engine.release([Release(ref=held.ref)])

    [released, twin] = await harness.engine.get([held.job.id, later])

    assert held.job.dedupe_key is claimed.dedupe_key is None
    assert released is not None
    assert released.dedupe_key is None
    assert twin is not None
    assert twin.dedupe_key == "key"


@needs(Feature.DELAY)
async def test_a_scheduled_job_tells_its_key_in_a_list_too(harness: Harness) -> None:
    await push(harness.engine, replace(KEYED, delay=HOUR))

    [listed] = await everything(harness.engine)

    assert (listed.state, listed.dedupe_key) == (State.SCHEDULED, "key")


async def test_the_key_leaves_when_the_job_is_claimed(harness: Harness) -> None:
    await push(harness.engine, KEYED)
    await claim_one(harness.engine)

    await _assert_key_is_free(harness.engine)


async def test_a_claim_leaves_the_same_key_in_the_other_queue(harness: Harness) -> None:
    elsewhere = replace(KEYED, queue=OTHER)
    await harness.engine.push([KEYED, elsewhere])

    await claim_one(harness.engine)

    [here, there] = await harness.engine.push([KEYED, elsewhere])
    assert (here.deduplicated, there.deduplicated) == (False, True)


async def test_the_key_leaves_when_the_job_is_claimed_by_id(harness: Harness) -> None:
    await claimed_job(harness.engine, KEYED)

    await _assert_key_is_free(harness.engine)


async def test_the_key_leaves_when_the_job_is_cancelled(harness: Harness) -> None:
    id = await push_one(harness.engine, KEYED)
    await harness.engine.cancel([Cancel(id=id)])

    await _assert_key_is_free(harness.engine)


async def test_the_key_leaves_when_the_job_is_deleted(harness: Harness) -> None:
    id = await push_one(harness.engine, KEYED)
    await harness.engine.delete([id])

    await _assert_key_is_free(harness.engine)


@needs(Feature.DELAY)
async def test_the_key_leaves_when_a_scheduled_job_is_cancelled_or_deleted(
    harness: Harness,
) -> None:
    cancelled = await push_one(harness.engine, job(dedupe_key="key", delay=HOUR))
    await harness.engine.cancel([Cancel(id=cancelled)])
    deleted, duplicate = await harness.engine.push([job(dedupe_key="key", delay=HOUR)] * 2)
    await harness.engine.delete([deleted.id])

    assert not deleted.deduplicated
    assert duplicate.deduplicated
    await _assert_key_is_free(harness.engine)


async def test_the_key_leaves_when_the_job_is_superseded(harness: Harness) -> None:
    id = await push_one(harness.engine, job(dedupe_key="key", root=root(1)))
    await push(harness.engine, job("head", root=root(2)))
    await claims(harness.engine)
    assert await state_of(harness.engine, id) is State.SUPERSEDED

    await _assert_key_is_free(harness.engine)


async def test_a_released_job_carries_no_key_beside_its_later_twin(harness: Harness) -> None:
    held, twin = await _claimed_and_its_twin(harness.engine)

    await harness.engine.release([Release(ref=held.ref)])

    await _assert_both_wait(harness.engine, held, twin)


async def test_a_retried_job_carries_no_key_beside_its_later_twin(harness: Harness) -> None:
    held, twin = await _claimed_and_its_twin(harness.engine)

    await harness.engine.retry([Retry(ref=held.ref, after=NOTHING, error="boom")])

    await _assert_both_wait(harness.engine, held, twin)


async def test_a_reclaimed_job_carries_no_key_beside_its_later_twin(harness: Harness) -> None:
    held, twin = await _claimed_and_its_twin(harness.engine)

    await expire(harness)
    reclaimed = await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)

    assert reclaimed.readied == 1
    await _assert_both_wait(harness.engine, held, twin)


async def test_a_requeued_job_carries_no_key_beside_its_later_twin(harness: Harness) -> None:
    held, twin = await _claimed_and_its_twin(harness.engine)

    await harness.engine.bury([Bury(ref=held.ref, error="boom")])
    assert await harness.engine.requeue([held.job.id]) == [True]

    await _assert_both_wait(harness.engine, held, twin)


async def test_a_job_that_is_back_is_no_twin_of_what_is_pushed_later(harness: Harness) -> None:
    released = await claimed_job(harness.engine, KEYED)
    await harness.engine.release([Release(ref=released.ref)])

    [pushed] = await harness.engine.push([TWIN])

    assert not pushed.deduplicated
    assert names(await claims(harness.engine)) == ["keyed", "twin"]


async def test_ending_the_first_leaves_the_key_with_its_later_twin(harness: Harness) -> None:
    held, twin = await _claimed_and_its_twin(harness.engine)

    await harness.engine.cancel([Cancel(id=held.job.id, fence=held.ref.fence)])
    await harness.engine.delete([held.job.id])

    assert await harness.engine.push([TWIN]) == [twin]


async def test_a_higher_priority_raises_the_twin(harness: Harness) -> None:
    id = await push_one(harness.engine, job("twin", dedupe_key="key", priority=100))
    await push(harness.engine, job("middle", priority=500))

    await push(harness.engine, job(dedupe_key="key", priority=900))

    assert (await read(harness.engine, id)).priority == 900
    assert names(await claims(harness.engine)) == ["twin", "middle"]


async def test_a_lower_priority_leaves_the_twin_where_it_was(harness: Harness) -> None:
    id = await push_one(harness.engine, job("twin", dedupe_key="key", priority=900))

    await push(harness.engine, job(dedupe_key="key", priority=100))

    assert (await read(harness.engine, id)).priority == 900


async def test_only_the_twin_is_raised(harness: Harness) -> None:
    twins = [job(key, dedupe_key=key, priority=100) for key in ("a", "b", "c")]
    await push(harness.engine, *twins, job("plain", priority=100))

    await push(harness.engine, job(dedupe_key="b", priority=900))

    first, *others = names(await claims(harness.engine))
    assert (first, sorted(others)) == ("b", ["a", "c", "plain"])


async def test_a_duplicate_within_one_batch_raises_too(harness: Harness) -> None:
    low, high = job(dedupe_key="key", priority=1), job(dedupe_key="key", priority=999)

    [id, same] = await push(harness.engine, low, high)

    assert id == same
    assert (await read(harness.engine, id)).priority == 999


@needs(Feature.DELAY)
async def test_a_scheduled_twin_is_made_ready_by_a_duplicate_that_is_due(harness: Harness) -> None:
    id = await push_one(harness.engine, job(dedupe_key="key", delay=HOUR))

    answers = await harness.engine.push([TWIN])

    assert answers == [Pushed(id=id, deduplicated=True)]
    assert await state_of(harness.engine, id) is State.READY
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)
    assert (await claim_one(harness.engine)).job.id == id
    assert (await harness.engine.promote(MANY)).next_in is None


@needs(Feature.DELAY)
async def test_a_twin_made_ready_still_has_its_key(harness: Harness) -> None:
    id = await push_one(harness.engine, job(dedupe_key="key", delay=HOUR))
    await push(harness.engine, TWIN)

    assert await harness.engine.push([TWIN]) == [Pushed(id=id, deduplicated=True)]


@needs(Feature.DELAY)
async def test_a_promoted_job_still_has_its_key(harness: Harness) -> None:
    id = await push_one(harness.engine, job(dedupe_key="key", delay=MINUTE))
    await harness.age(MINUTE + SECOND)
    assert (await harness.engine.promote(MANY)).count == 1

    assert await harness.engine.push([TWIN]) == [Pushed(id=id, deduplicated=True)]


@needs(Feature.DELAY)
async def test_a_scheduled_twin_takes_the_earlier_time(harness: Harness) -> None:
    id = await push_one(harness.engine, job(dedupe_key="key", delay=HOUR))

    await push(harness.engine, job(dedupe_key="key", delay=MINUTE))

    stored = await read(harness.engine, id)
    assert stored.state is State.SCHEDULED
    assert stored.run_at is not None
    assert abs(stored.run_at - stored.pushed_at - MINUTE) < 5 * SECOND


@needs(Feature.DELAY)
async def test_a_later_time_does_not_hold_the_twin_up(harness: Harness) -> None:
    soon = await push_one(harness.engine, job("soon", dedupe_key="soon", delay=MINUTE))
    ready = await push_one(harness.engine, job("ready", dedupe_key="ready"))
    planned = (await read(harness.engine, soon)).run_at

    await push(harness.engine, *(job(dedupe_key=key, delay=HOUR) for key in ("soon", "ready")))

    assert (await read(harness.engine, soon)).run_at == planned
    assert await state_of(harness.engine, ready) is State.READY


@needs(Feature.DELAY)
async def test_a_scheduled_duplicate_within_one_batch_is_made_ready(harness: Harness) -> None:
    [id, same] = await push(harness.engine, job(dedupe_key="key", delay=HOUR), TWIN)

    assert id == same
    assert await state_of(harness.engine, id) is State.READY


async def test_a_newer_root_raises_the_twin_out_of_the_older_family(harness: Harness) -> None:
    id = await push_one(harness.engine, job("twin", dedupe_key="key", root=root(1)))

    await push(harness.engine, job(dedupe_key="key", root=root(2)))

    assert (await read(harness.engine, id)).root == root(2)
    assert (await claim_one(harness.engine)).job.id == id


async def test_an_older_root_leaves_the_twin_in_the_newer_family(harness: Harness) -> None:
    id = await push_one(harness.engine, job("twin", dedupe_key="key", root=root(2)))

    await push(harness.engine, job(dedupe_key="key", root=root(1)), TWIN)

    assert (await read(harness.engine, id)).root == root(2)
    assert (await claim_one(harness.engine)).job.id == id


async def test_a_duplicate_brings_a_rootless_twin_into_its_family(harness: Harness) -> None:
    id = await push_one(harness.engine, TWIN)

    await push(harness.engine, job(dedupe_key="key", root=root(1)))

    assert (await read(harness.engine, id)).root == root(1)


async def test_a_duplicate_registers_its_root(harness: Harness) -> None:
    old = await push_one(harness.engine, job("old", root=root(1)))
    await push(harness.engine, TWIN)

    await push(harness.engine, job(dedupe_key="key", root=root(2)))

    assert names(await claims(harness.engine)) == ["twin"]
    assert await state_of(harness.engine, old) is State.SUPERSEDED


async def test_equal_pushes_at_the_same_time_store_one_job(harness: Harness) -> None:
    engines = await both(harness)

    answers = await asyncio.gather(*(engines[n % 2].push([KEYED]) for n in range(20)))

    assert len({answer[0].id for answer in answers}) == 1
    assert [answer[0].deduplicated for answer in answers].count(False) == 1
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)
    await assert_conserved(harness.engine)


async def test_batches_with_the_same_keys_in_turned_order_store_each_once(
    harness: Harness,
) -> None:
    engines = await both(harness)
    batch = [job(str(n), dedupe_key=str(n)) for n in range(40)]

    await asyncio.gather(
        *(engines[n % 2].push(batch if n % 4 < 2 else batch[::-1]) for n in range(8))
    )

    assert await counts_of(harness.engine) == Counts(pushed=40, ready=40)
    assert sorted(map(int, names(await claims(harness.engine)))) == list(range(40))
    await assert_conserved(harness.engine)


async def test_a_duplicate_is_found_after_reopen(harness: Harness) -> None:
    waiting = await push_one(harness.engine, KEYED)
    await claimed_job(harness.engine, job(dedupe_key="claimed"))

    await harness.reopen()

    assert await harness.engine.push([TWIN]) == [Pushed(id=waiting, deduplicated=True)]
    [free] = await harness.engine.push([job(dedupe_key="claimed")])
    assert not free.deduplicated


@needs(Feature.DURABLE)
async def test_a_duplicate_is_found_after_a_crash(harness: Harness) -> None:
    waiting = await push_one(harness.engine, KEYED)

    await harness.crash()

    assert await harness.engine.push([TWIN]) == [Pushed(id=waiting, deduplicated=True)]
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)


async def _claimed_and_its_twin(engine: Engine) -> tuple[Claim, Pushed]:
    """A claimed job, and how a push is answered that is a duplicate of the twin pushed since."""
    held = await claimed_job(engine, KEYED)
    twin = await push_one(engine, TWIN)
    return held, Pushed(id=twin, deduplicated=True)


async def _assert_both_wait(engine: Engine, held: Claim, twin: Pushed) -> None:
    assert await engine.push([TWIN]) == [twin]
    assert [one.job.id for one in await claims(engine)] == [held.job.id, twin.id]
    await assert_conserved(engine)


async def _assert_key_is_free(engine: Engine) -> None:
    first, second = await engine.push([job("free", dedupe_key="key"), TWIN])

    assert not first.deduplicated
    assert second == Pushed(id=first.id, deduplicated=True)
    assert names(await claims(engine, want())) == ["free"]
    await assert_conserved(engine)
