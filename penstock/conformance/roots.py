# long: registering, ending and forgetting of families, each with all its exceptions
"""Root jobs: a newer root of the same signature supersedes the older family's waiting jobs."""

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone

from penstock.conformance.builders import (
    DAY,
    HOSTILE_TEXTS,
    HOUR,
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
    SECOND,
    TTL,
    assert_conserved,
    both,
    claim,
    claim_one,
    claimed_job,
    counts_of,
    expire,
    job,
    key,
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
from penstock.engine import WHOLE_BATCH, Ack, Engine, Feature, Release, Retry, Want
from penstock.job import Claim, Counts, FollowUp, On, QueueKey, State

OLD = job("old", root=root(1))
NEW = job("new", root=root(2))


async def test_a_job_of_an_older_family_ends_superseded_when_its_turn_comes(
    harness: Harness,
) -> None:
    old, _ = await push(harness.engine, OLD, NEW)
    assert await state_of(harness.engine, old) is State.READY

    given, superseded = await _drain(harness.engine)

    stored = await read(harness.engine, old)
    assert (names(given), superseded) == (["new"], 1)
    assert (stored.state, stored.fence, stored.attempt) == (State.SUPERSEDED, 0, 0)
    assert stored.finished_at is not None
    assert stored.worker is None
    assert await counts_of(harness.engine) == Counts(pushed=2, claimed=1, superseded=1)
    await assert_conserved(harness.engine)


async def test_a_job_of_an_older_family_pushed_later_is_superseded_too(harness: Harness) -> None:
    await push(harness.engine, NEW)
    old = await push_one(harness.engine, OLD)

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["new"], 1)
    assert await state_of(harness.engine, old) is State.SUPERSEDED


async def test_a_superseded_head_is_not_reported_as_an_empty_queue(harness: Harness) -> None:
    head = await claimed_job(harness.engine, NEW)
    await harness.engine.ack([Ack(ref=head.ref)])
    await push(harness.engine, OLD)

    claimed = await claim(harness.engine, want(limit=1))

    assert (list(claimed.claims), claimed.superseded) == ([], 1)
    empty = await claim(harness.engine, want(limit=1))
    assert (list(empty.claims), empty.superseded) == ([], 0)


async def test_superseded_jobs_take_no_place_of_the_limit(harness: Harness) -> None:
    await push(harness.engine, OLD, OLD, OLD, NEW, job("newer", root=root(2)), job("third"))

    given, superseded = await _drain(harness.engine, want(limit=2))

    assert (sorted(names(given)), superseded) == (["new", "newer", "third"], 3)


async def test_one_call_supersedes_a_bounded_number(harness: Harness) -> None:
    for _ in range(3):
        await push(harness.engine, *[OLD] * WHOLE_BATCH)
    await push(harness.engine, NEW)

    first = await claim(harness.engine, want(limit=1))
    given, superseded = await _drain(harness.engine, want(limit=1))

    assert 0 < first.superseded <= WHOLE_BATCH
    assert first.superseded + superseded == 3 * WHOLE_BATCH
    assert names([*first.claims, *given]) == ["new"]
    await assert_conserved(harness.engine)


async def test_jobs_of_the_same_timestamp_are_one_family(harness: Harness) -> None:
    await push(harness.engine, job("a", root=root(1)), job("b", root=root(1)))

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["a", "b"], 0)


async def test_a_microsecond_makes_a_root_newer(harness: Harness) -> None:
    a_little = replace(root(1), timestamp=root(1).timestamp + timedelta(microseconds=1))
    await push(harness.engine, OLD, job("new", root=a_little))

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["new"], 1)
    assert given[0].job.root == a_little


async def test_the_same_moment_in_another_zone_is_the_same_family(harness: Harness) -> None:
    zone = timezone(timedelta(hours=-11))
    same = replace(root(1), timestamp=root(1).timestamp.astimezone(zone))
    await push(harness.engine, job("a", root=root(1)), job("b", root=same))

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["a", "b"], 0)


async def test_an_older_root_does_not_take_the_place_of_a_newer_one(harness: Harness) -> None:
    await push(harness.engine, job("newest", root=root(3)), OLD)
    await push(harness.engine, NEW)

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["newest"], 2)


async def test_roots_within_one_batch_count(harness: Harness) -> None:
    await push(harness.engine, *(job(str(n), root=root(n)) for n in (2, 4, 1, 3)))

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["4"], 3)


async def test_jobs_without_a_root_or_of_another_signature_are_left_alone(
    harness: Harness,
) -> None:
    await push(harness.engine, job("rootless"), job("stranger", root=root(1, "another")), NEW)

    given, superseded = await _drain(harness.engine)

    assert (sorted(names(given)), superseded) == (["new", "rootless", "stranger"], 0)


async def test_the_same_signature_in_another_queue_is_another_family(harness: Harness) -> None:
    elsewhere = QueueKey("tenant", QUEUE.type)
    await push(harness.engine, job(queue=OTHER, root=root(1)), job(queue=elsewhere, root=root(1)))

    async with untouched(harness.engine, OTHER), untouched(harness.engine, elsewhere):
        await push(harness.engine, OLD, NEW)
        await _drain(harness.engine)

    assert len((await claim(harness.engine, want(OTHER))).claims) == 1
    assert len((await claim(harness.engine, want(elsewhere))).claims) == 1


async def test_queue_and_signature_that_join_to_the_same_text_are_two_families(
    harness: Harness,
) -> None:
    alike = [
        (QueueKey("a/b", "c"), "d"),
        (QueueKey("a", "b/c"), "d"),
        (QueueKey("a", "b"), "c/d"),
    ]

    for rank, (queue, signature) in enumerate(alike):
        await push(harness.engine, job(queue=queue, root=root(len(alike) - rank, signature)))

    for queue, _ in alike:
        assert (await claim(harness.engine, want(queue))).superseded == 0


async def test_hostile_signatures_name_families(harness: Harness) -> None:
    for text in HOSTILE_TEXTS:
        await push(harness.engine, job("old", root=root(1, text)), job("new", root=root(2, text)))

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == (["new"] * len(HOSTILE_TEXTS), len(HOSTILE_TEXTS))


async def test_a_job_that_was_released_is_not_superseded(harness: Harness) -> None:
    held = await claimed_job(harness.engine, OLD)
    await push(harness.engine, NEW)

    await harness.engine.release([Release(ref=held.ref)])

    assert names((await claim(harness.engine)).claims) == ["old", "new"]


async def test_a_job_that_was_retried_is_not_superseded(harness: Harness) -> None:
    held = await claimed_job(harness.engine, OLD)
    await push(harness.engine, NEW)

    await harness.engine.retry([Retry(ref=held.ref, after=NOTHING, error="boom")])

    assert names((await claim(harness.engine)).claims) == ["old", "new"]


async def test_a_job_that_was_reclaimed_is_not_superseded(harness: Harness) -> None:
    await claimed_job(harness.engine, OLD)
    await push(harness.engine, NEW)

    await expire(harness)
    await harness.engine.reclaim(MANY, ttl=TTL, worker=RIVAL)

    assert names((await claim(harness.engine)).claims) == ["old", "new"]


async def test_a_claimed_job_of_an_older_family_may_end_as_it_likes(harness: Harness) -> None:
    held = await claimed_job(harness.engine, OLD)

    await push(harness.engine, NEW)

    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]


@needs(Feature.DELAY)
async def test_a_scheduled_job_registers_its_root_when_it_is_pushed(harness: Harness) -> None:
    await push(harness.engine, OLD, job("later", root=root(2), delay=HOUR))

    given, superseded = await _drain(harness.engine)

    assert (names(given), superseded) == ([], 1)


@needs(Feature.DELAY)
async def test_a_scheduled_job_is_superseded_only_when_its_turn_comes(harness: Harness) -> None:
    old = await push_one(harness.engine, replace(OLD, delay=HOUR))
    await push(harness.engine, NEW)
    await _drain(harness.engine)
    assert await state_of(harness.engine, old) is State.SCHEDULED

    await harness.age(HOUR + SECOND)
    await harness.engine.promote(MANY)

    assert (await claim(harness.engine)).superseded == 1
    assert await state_of(harness.engine, old) is State.SUPERSEDED


async def test_below_the_floor_nothing_is_superseded(harness: Harness) -> None:
    low = await push_one(harness.engine, job("low", priority=100, root=root(1)))
    high = await push_one(harness.engine, job("high", priority=900, root=root(1)))
    await push(harness.engine, job("new", priority=900, root=root(2)))

    given, superseded = await _drain(harness.engine, want(floor=900))

    assert (names(given), superseded) == (["new"], 1)
    assert await state_of(harness.engine, high) is State.SUPERSEDED
    assert await state_of(harness.engine, low) is State.READY


async def test_a_paused_queue_supersedes_nothing(harness: Harness) -> None:
    ids = await push(harness.engine, OLD, NEW)
    await harness.engine.pause([QUEUE])

    claimed = await claim(harness.engine)

    assert (list(claimed.claims), claimed.superseded) == ([], 0)
    assert [await state_of(harness.engine, id) for id in ids] == [State.READY] * 2


async def test_a_replay_registers_no_root(harness: Harness) -> None:
    await push(harness.engine, replace(OLD, idempotency=key()))

    [replay] = await harness.engine.push([replace(NEW, idempotency=key())])

    assert replay.replayed
    assert names((await claim(harness.engine)).claims) == ["old"]


async def test_a_conflict_registers_no_root(harness: Harness) -> None:
    await push(harness.engine, replace(OLD, idempotency=key()))

    [refused] = await harness.engine.push([replace(NEW, idempotency=key(fingerprint="other"))])

    assert refused.conflict
    assert names((await claim(harness.engine)).claims) == ["old"]


async def test_a_follow_up_registers_its_root(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    old = await push_one(harness.engine, OLD)

    await harness.engine.ack([Ack(ref=held.ref, follow_ups=[FollowUp(on=On.DONE, job=NEW)])])

    given, _ = await _drain(harness.engine)
    assert names(given) == ["new"]
    assert await state_of(harness.engine, old) is State.SUPERSEDED


async def test_a_superseded_job_stays_readable_as_long_as_wanted(harness: Harness) -> None:
    old, _ = await push(harness.engine, OLD, NEW)
    await _drain(harness.engine, want(keep=2 * DAY))

    await harness.age(2 * DAY - HOUR)
    assert await harness.engine.purge(MANY) == 0
    assert await state_of(harness.engine, old) is State.SUPERSEDED

    await harness.age(2 * HOUR)
    assert await harness.engine.purge(MANY) == 1
    assert await state_of(harness.engine, old) is None
    await assert_conserved(harness.engine)


async def test_a_superseded_job_that_is_not_kept_is_deleted_at_once(harness: Harness) -> None:
    old, _ = await push(harness.engine, OLD, NEW)

    given, superseded = await _drain(harness.engine, want(keep=NOTHING))

    assert (names(given), superseded) == (["new"], 1)
    assert await state_of(harness.engine, old) is None
    assert await counts_of(harness.engine) == Counts(pushed=2, claimed=1, deleted=1)


async def test_a_root_is_known_for_twenty_eight_days(harness: Harness) -> None:
    await push(harness.engine, NEW)
    await _drain(harness.engine)

    await harness.age(28 * DAY - HOUR)
    await harness.engine.purge(MANY)

    await push(harness.engine, OLD)
    assert (await claim(harness.engine)).superseded == 1


async def test_a_root_is_forgotten_after_twenty_eight_days(harness: Harness) -> None:
    await push(harness.engine, NEW)
    await _drain(harness.engine)

    await harness.age(28 * DAY + HOUR)
    await harness.engine.purge(MANY)

    await push(harness.engine, OLD)
    assert names((await claim(harness.engine)).claims) == ["old"]


async def test_the_days_are_counted_from_the_last_registration(harness: Harness) -> None:
    await push(harness.engine, NEW)
    await harness.age(20 * DAY)
    await push(harness.engine, job("newer", root=root(3)))

    await harness.age(20 * DAY)
    await harness.engine.purge(MANY)

    await push(harness.engine, OLD)
    given, superseded = await _drain(harness.engine)
    assert (names(given), superseded) == (["newer"], 2)


async def test_of_roots_pushed_at_the_same_time_the_newest_stays(harness: Harness) -> None:
    engines = await both(harness)
    ranks = [3, 9, 1, 7, 5, 8, 2, 6, 4, 0]

    await asyncio.gather(
        *(push(engines[n % 2], job(str(rank), root=root(rank))) for n, rank in enumerate(ranks))
    )

    given, superseded = await _drain(harness.engine)
    assert (names(given), superseded) == (["9"], 9)
    await assert_conserved(harness.engine)


async def test_two_at_once_supersede_each_job_once(harness: Harness) -> None:
    one, another = await both(harness)
    await push(harness.engine, *[OLD] * 50, NEW)

    answers = await asyncio.gather(_drain(one), _drain(another))

    assert sum(superseded for _, superseded in answers) == 50
    assert names([*answers[0][0], *answers[1][0]]) == ["new"]
    await assert_conserved(harness.engine)


async def test_a_root_is_known_after_reopen(harness: Harness) -> None:
    await push(harness.engine, NEW)
    await claim_one(harness.engine)

    await harness.reopen()

    await push(harness.engine, OLD)
    assert (await claim(harness.engine)).superseded == 1


@needs(Feature.DURABLE)
async def test_a_root_and_what_it_superseded_survive_a_crash(harness: Harness) -> None:
    old, _ = await push(harness.engine, OLD, NEW)
    await _drain(harness.engine)

    await harness.crash()

    await push(harness.engine, OLD)
    assert await state_of(harness.engine, old) is State.SUPERSEDED
    assert (await claim(harness.engine)).superseded == 1
    await assert_conserved(harness.engine)


async def _drain(engine: Engine, wanted: Want | None = None) -> tuple[list[Claim], int]:
    """All that a queue gives, and how many were superseded on the way."""
    given: list[Claim] = []
    superseded = 0
    while True:
        claimed = await claim(engine, wanted or want())
        given += claimed.claims
        superseded += claimed.superseded
        if not claimed.claims and not claimed.superseded:
            return given, superseded
