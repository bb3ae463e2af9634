# long: every case of one verb, to be found in one place
"""Bury: the holder's job is dead with its reason and follow-ups; no other bury does anything."""

import asyncio
from dataclasses import replace

from penstock.conformance.builders import (
    DAY,
    HOSTILE_TEXTS,
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    TTL,
    UNKNOWN_ID,
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
    read,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import (
    asked,
    handed_out,
    not_held,
    one_of_each,
    overtaken,
    then,
)
from penstock.engine import Bury, Feature
from penstock.job import ClaimRef, Counts, FollowUpId, On, State


async def test_bury_ends_the_job_dead_and_changes_nothing_else(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(priority=7))

    answers = await engine.bury([Bury(ref=held.ref, error="no such user", result="[550]")])

    dead = await read(engine, held.job.id)
    assert answers == [True]
    assert dead.finished_at is not None
    assert dead == replace(
        held.job,
        state=State.DEAD,
        error="no such user",
        result="[550]",
        finished_at=dead.finished_at,
    )
    assert await counts_of(engine) == Counts(dead=1, pushed=1)
    await assert_conserved(engine)


async def test_bury_tells_when_the_job_was_finished(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, ttl=HOUR)
    await harness.age(MINUTE)

    await engine.bury([Bury(ref=held.ref, error="boom")])

    dead = await read(engine, held.job.id)
    assert dead.claimed_at is not None
    assert dead.finished_at is not None
    assert MINUTE <= dead.finished_at - dead.claimed_at < 2 * MINUTE


async def test_bury_keeps_the_error_as_it_was_given(harness: Harness) -> None:
    engine = harness.engine
    errors = ["", "line\nline", "x" * 10_000, *HOSTILE_TEXTS]
    await push(engine, *jobs(*map(str, range(len(errors)))))
    held = await claims(engine)

    ends = [Bury(ref=one.ref, error=text) for one, text in zip(held, errors, strict=True)]
    assert all(await engine.bury(ends))

    stored = await engine.get([one.job.id for one in held])
    assert [one and one.error for one in stored] == errors


async def test_a_buried_job_is_never_claimed_by_itself(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.bury([Bury(ref=held.ref, error="boom")])

    await harness.age(DAY)
    await engine.reclaim(MANY, ttl=TTL, worker="upkeep")
    await engine.promote(MANY)

    assert await claims(engine) == []
    assert await engine.claim_ids([held.job.id], ttl=TTL, worker="w") == []
    assert await state_of(engine, held.job.id) is State.DEAD


async def test_bury_pushes_follow_ups_and_the_job_lists_them(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.FAILED, job("near"), job("far", queue=OTHER))

    assert await engine.bury([Bury(ref=held.ref, error="boom", follow_ups=after)]) == [True]

    dead = await read(engine, held.job.id)
    near, far = await claim_one(engine), await claim_one(engine, OTHER)
    assert [name_of(near), name_of(far)] == ["near", "far"]
    assert dead.follow_ups == (
        FollowUpId(On.FAILED, near.job.id),
        FollowUpId(On.FAILED, far.job.id),
    )
    assert await counts_of(engine) == Counts(dead=1, claimed=1, pushed=2)
    await assert_conserved(engine)


async def test_bury_that_keeps_nothing_deletes_at_once_and_pushes_all_the_same(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.FAILED, job("after", queue=OTHER))

    ends = [Bury(ref=held.ref, error="boom", keep=NOTHING, follow_ups=after)]
    assert await engine.bury(ends) == [True]

    assert await state_of(engine, held.job.id) is None
    assert await counts_of(engine) == Counts(deleted=1, pushed=1)
    assert name_of(await claim_one(engine, OTHER)) == "after"
    await assert_conserved(engine)


async def test_bury_of_what_is_not_held_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    refs = await not_held(harness)
    after = then(On.FAILED, job("never", queue=OTHER))

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        answers = await engine.bury(
            [Bury(ref=ref, error="late", follow_ups=after) for ref in refs.values()]
        )

    assert dict(zip(refs, answers, strict=True)) == dict.fromkeys(refs, False)
    await assert_conserved(engine)


async def test_bury_repeated_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    first = Bury(ref=held.ref, error="1", follow_ups=then(On.FAILED, job("once", queue=OTHER)))
    await engine.bury([first])

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        assert await engine.bury([first]) == [False]
        assert await engine.bury([replace(first, error="2", keep=NOTHING)]) == [False]

    await assert_conserved(engine)


async def test_bury_of_one_claim_twice_in_a_batch_holds_once(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    answers = await engine.bury(
        [
            Bury(ref=held.ref, error="1", follow_ups=then(On.FAILED, job("one", queue=OTHER))),
            Bury(ref=held.ref, error="2", follow_ups=then(On.FAILED, job("two", queue=OTHER))),
        ]
    )

    assert answers == [True, False]
    assert (await read(engine, held.job.id)).error == "1"
    assert names(await claims(engine, want(OTHER))) == ["one"]
    await assert_conserved(engine)


async def test_bury_answers_held_lost_and_unknown_each_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    other = await claimed_job(engine, job("b"))
    unknown = ClaimRef(UNKNOWN_ID, 1)

    answers = await engine.bury(
        [Bury(ref=ref, error="boom") for ref in (late.ref, other.ref, unknown, fresh.ref)]
    )

    assert answers == [False, True, False, True]
    assert await counts_of(engine) == Counts(dead=2, pushed=2)
    await assert_conserved(engine)


async def test_bury_past_the_time_of_a_claim_holds_while_nobody_took_it(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await expire(harness)

    assert await engine.bury([Bury(ref=held.ref, error="boom")]) == [True]

    assert (await engine.reclaim(MANY, ttl=TTL, worker="upkeep")).readied == 0
    await assert_conserved(engine)


async def test_bury_of_an_overtaken_worker_does_nothing_and_the_new_holders_holds(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    after = then(On.FAILED, job("after", queue=OTHER))

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        assert await engine.bury([Bury(ref=late.ref, error="late", follow_ups=after)]) == [False]
    assert await engine.bury([Bury(ref=fresh.ref, error="fresh", follow_ups=after)]) == [True]

    dead = await read(engine, fresh.job.id)
    assert (dead.error, dead.fence, dead.attempt) == ("fresh", 2, 2)
    assert await counts_of(engine, OTHER) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_bury_of_a_claim_that_reclaim_handed_out_holds(harness: Harness) -> None:
    engine = harness.engine
    late, last = await handed_out(harness)
    after = then(On.FAILED, job("after", queue=OTHER))

    answers = await engine.bury(
        [
            Bury(ref=late.ref, error="late", follow_ups=after),
            Bury(ref=last.ref, error="lost: its worker died", follow_ups=after),
        ]
    )

    dead = await read(engine, last.job.id)
    assert answers == [False, True]
    assert (dead.state, dead.error, dead.attempt) == (State.DEAD, "lost: its worker died", 1)
    assert await counts_of(engine, OTHER) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_bury_of_a_job_that_is_asked_to_cancel_holds(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)

    assert await engine.bury([Bury(ref=held.ref, error="boom")]) == [True]

    assert await state_of(engine, held.job.id) is State.DEAD
    await assert_conserved(engine)


async def test_bury_leaves_the_key_to_the_waiting_twin(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(dedupe_key="k"))
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.bury([Bury(ref=held.ref, error="boom")]) == [True]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)
    await assert_conserved(engine)


async def test_bury_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    held = await claimed_job(engine)

    async with untouched(engine, OTHER):
        assert await engine.bury([Bury(ref=held.ref, error="boom")]) == [True]

    await assert_conserved(engine)


async def test_bury_by_two_at_once_holds_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    ends = [
        Bury(ref=held.ref, error="x", follow_ups=then(On.FAILED, job("after", queue=OTHER)))
        for held in await claims(one)
    ]

    first, second = await asyncio.gather(one.bury(ends), two.bury(ends))

    assert [a + b for a, b in zip(first, second, strict=True)] == [1] * 8
    assert await counts_of(one) == Counts(dead=8, pushed=8)
    assert await counts_of(two, OTHER) == Counts(ready=8, pushed=8)
    await assert_conserved(one)


async def test_bury_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.bury([]) == []


@needs(Feature.DURABLE)
async def test_bury_survives_a_crash_with_its_follow_ups(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    after = then(On.FAILED, job("after", queue=OTHER))
    await harness.engine.bury([Bury(ref=held.ref, error="boom", follow_ups=after)])
    dead = await read(harness.engine, held.job.id)

    await harness.crash()

    assert await read(harness.engine, held.job.id) == dead
    [listed] = dead.follow_ups
    assert (await claim_one(harness.engine, OTHER)).job.id == listed.id
    await assert_conserved(harness.engine)
