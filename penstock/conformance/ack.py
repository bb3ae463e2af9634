# long: every case of one verb, to be found in one place
"""Ack: the holder's job is done, its follow-ups are pushed with it; no other ack does anything."""

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
from penstock.conformance.stories import asked, not_held, one_of_each, overtaken, then
from penstock.engine import Ack, Feature, Renew, Retry
from penstock.job import (
    Callback,
    ClaimRef,
    Counts,
    Details,
    FollowUpId,
    On,
    Progress,
    State,
)
from penstock.serialization import encode


async def test_ack_ends_the_job_done_and_changes_nothing_else(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(priority=7, details=Details(context="here")))
    await engine.claim_ids(await push(engine, job("beside")), ttl=TTL, worker="beside")

    answers = await engine.ack([Ack(ref=held.ref, result='{"sent": true}')])

    done = await read(engine, held.job.id)
    assert answers == [True]
    assert done.finished_at is not None
    assert done == replace(
        held.job, state=State.DONE, result='{"sent": true}', finished_at=done.finished_at
    )
    assert await counts_of(engine) == Counts(claimed=1, done=1, pushed=2)
    await assert_conserved(engine)


async def test_ack_tells_when_the_job_was_finished(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, ttl=HOUR)
    await harness.age(MINUTE)

    await engine.ack([Ack(ref=held.ref)])

    done = await read(engine, held.job.id)
    assert done.claimed_at is not None
    assert done.finished_at is not None
    assert MINUTE <= done.finished_at - done.claimed_at < 2 * MINUTE


async def test_ack_keeps_the_result_as_it_was_given(harness: Harness) -> None:
    engine = harness.engine
    results = [None, "null", "[1,  2]", '"' + "x" * 65_534 + '"', *map(encode, HOSTILE_TEXTS)]
    await push(engine, *jobs(*map(str, range(len(results)))))
    held = await claims(engine)

    ends = [Ack(ref=one.ref, result=text) for one, text in zip(held, results, strict=True)]
    assert all(await engine.ack(ends))

    stored = await engine.get([one.job.id for one in held])
    assert [one and one.result for one in stored] == results


async def test_ack_pushes_follow_ups_and_the_job_lists_them(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    details = Details(callbacks=(Callback(on=On.DONE, type="http", params='{"url": "x"}'),))
    near = job("near", priority=900, details=details, max_attempts=9)
    ends = [Ack(ref=held.ref, follow_ups=then(On.DONE, near, job("far", queue=OTHER)))]

    assert await engine.ack(ends) == [True]

    done = await read(engine, held.job.id)
    in_queue, in_other = await claim_one(engine), await claim_one(engine, OTHER)
    assert [name_of(in_queue), name_of(in_other)] == ["near", "far"]
    assert done.follow_ups == (
        FollowUpId(On.DONE, in_queue.job.id),
        FollowUpId(On.DONE, in_other.job.id),
    )
    assert (in_queue.job.details, in_queue.job.priority) == (details, 900)
    assert (in_queue.job.attempt, in_queue.job.max_attempts) == (1, 9)
    assert await counts_of(engine) == Counts(done=1, claimed=1, pushed=2)
    assert await counts_of(engine, OTHER) == Counts(claimed=1, pushed=1)
    await assert_conserved(engine)


async def test_ack_gives_each_job_of_a_batch_its_own_follow_ups(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b", "c"))
    held = await claims(engine)
    after = [jobs("a1", "a2", queue=OTHER), [], jobs("c1", queue=OTHER)]

    ends = [
        Ack(ref=one.ref, follow_ups=then(On.DONE, *new))
        for one, new in zip(held, after, strict=True)
    ]
    assert await engine.ack(ends) == [True, True, True]

    listed = [(await read(engine, one.job.id)).follow_ups for one in held]
    found = [[name_of(await read(engine, each.id)) for each in one] for one in listed]
    assert found == [["a1", "a2"], [], ["c1"]]
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_ack_pushes_a_delayed_follow_up_as_scheduled(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    later = job("later", queue=OTHER, delay=HOUR)

    await engine.ack([Ack(ref=held.ref, follow_ups=then(On.DONE, later))])

    [listed] = (await read(engine, held.job.id)).follow_ups
    assert await state_of(engine, listed.id) is State.SCHEDULED
    await assert_conserved(engine)


async def test_ack_lists_the_waiting_twin_of_a_follow_up(harness: Harness) -> None:
    engine = harness.engine
    twin = await push_one(engine, job("twin", queue=OTHER, dedupe_key="k", priority=100))
    held = await claimed_job(engine)
    equal = job("equal", queue=OTHER, dedupe_key="k", priority=900)

    await engine.ack([Ack(ref=held.ref, follow_ups=then(On.DONE, equal))])

    assert (await read(engine, held.job.id)).follow_ups == (FollowUpId(On.DONE, twin),)
    assert (await read(engine, twin)).priority == 900
    assert await counts_of(engine, OTHER) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_ack_lists_one_job_for_follow_ups_that_are_equal(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b"))
    held = await claims(engine)
    equal = then(On.DONE, job("equal", queue=OTHER, dedupe_key="k"))

    assert await engine.ack([Ack(ref=one.ref, follow_ups=equal) for one in held]) == [True, True]

    listed = [(await read(engine, one.job.id)).follow_ups for one in held]
    given = await claim_one(engine, OTHER)
    assert listed == [(FollowUpId(On.DONE, given.job.id),)] * 2
    await assert_conserved(engine)


async def test_ack_that_keeps_nothing_deletes_at_once_and_pushes_all_the_same(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.DONE, job("after", queue=OTHER))

    answers = await engine.ack([Ack(ref=held.ref, keep=NOTHING, follow_ups=after)])

    assert answers == [True]
    assert await state_of(engine, held.job.id) is None
    assert await counts_of(engine) == Counts(deleted=1, pushed=1)
    assert name_of(await claim_one(engine, OTHER)) == "after"
    assert await engine.ack([Ack(ref=held.ref)]) == [False]
    await assert_conserved(engine)


async def test_ack_leaves_the_job_readable_until_it_is_purged(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.ack([Ack(ref=held.ref, keep=DAY)])

    await harness.age(DAY - HOUR)
    await engine.purge(MANY)

    assert await state_of(engine, held.job.id) is State.DONE


async def test_ack_of_what_is_not_held_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    refs = await not_held(harness)
    after = then(On.DONE, job("never", queue=OTHER))

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        answers = await engine.ack(
            [Ack(ref=ref, result='"late"', follow_ups=after) for ref in refs.values()]
        )

    assert dict(zip(refs, answers, strict=True)) == dict.fromkeys(refs, False)
    await assert_conserved(engine)


async def test_ack_repeated_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    first = Ack(ref=held.ref, result="1", follow_ups=then(On.DONE, job("once", queue=OTHER)))
    await engine.ack([first])

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        assert await engine.ack([first]) == [False]
        assert await engine.ack([replace(first, result="2", keep=NOTHING)]) == [False]

    await assert_conserved(engine)


async def test_ack_of_one_claim_twice_in_a_batch_holds_once(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    answers = await engine.ack(
        [
            Ack(ref=held.ref, result="1", follow_ups=then(On.DONE, job("one", queue=OTHER))),
            Ack(ref=held.ref, result="2", follow_ups=then(On.DONE, job("two", queue=OTHER))),
        ]
    )

    assert answers == [True, False]
    assert (await read(engine, held.job.id)).result == "1"
    assert names(await claims(engine, want(OTHER))) == ["one"]
    await assert_conserved(engine)


async def test_ack_answers_held_lost_and_unknown_each_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    first, last = await claimed_job(engine, job("b")), await claimed_job(engine, job("c"))
    unknown = ClaimRef(UNKNOWN_ID, 1)

    answers = await engine.ack(
        [Ack(ref=ref) for ref in (last.ref, late.ref, unknown, first.ref, fresh.ref, unknown)]
    )

    assert answers == [True, False, False, True, True, False]
    assert await counts_of(engine) == Counts(done=3, pushed=3)
    await assert_conserved(engine)


async def test_ack_past_the_time_of_a_claim_holds_while_nobody_took_it(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await expire(harness)

    assert await engine.ack([Ack(ref=held.ref)]) == [True]

    assert (await engine.reclaim(MANY, ttl=TTL, worker="upkeep")).readied == 0
    assert await state_of(engine, held.job.id) is State.DONE
    await assert_conserved(engine)


async def test_ack_of_an_overtaken_worker_does_nothing_and_the_new_holders_holds(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    after = then(On.DONE, job("after", queue=OTHER))

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        assert await engine.ack([Ack(ref=late.ref, result='"late"', follow_ups=after)]) == [False]
    assert await engine.ack([Ack(ref=fresh.ref, result='"fresh"', follow_ups=after)]) == [True]

    done = await read(engine, fresh.job.id)
    assert (done.result, done.fence, done.attempt) == ('"fresh"', 2, 2)
    assert await counts_of(engine, OTHER) == Counts(ready=1, pushed=1)
    await assert_conserved(engine)


async def test_ack_of_a_job_that_is_asked_to_cancel_holds(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)

    assert await engine.ack([Ack(ref=held.ref, result="1")]) == [True]

    done = await read(engine, held.job.id)
    assert (done.state, done.result) == (State.DONE, "1")
    await assert_conserved(engine)


async def test_ack_leaves_the_key_to_the_waiting_twin(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(dedupe_key="k"))
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.ack([Ack(ref=held.ref)]) == [True]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)
    await assert_conserved(engine)


async def test_ack_keeps_the_last_progress(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    half = Progress(percent=50, message="half")
    await engine.renew([Renew(ref=held.ref, ttl=None, progress=half)])

    await engine.ack([Ack(ref=held.ref)])

    assert (await read(engine, held.job.id)).progress == half


async def test_ack_keeps_the_error_of_the_attempt_before(harness: Harness) -> None:
    engine = harness.engine
    first = await claimed_job(engine)
    await engine.retry([Retry(ref=first.ref, after=NOTHING, error="boom")])
    second = await claim_one(engine)

    await engine.ack([Ack(ref=second.ref)])

    assert (await read(engine, first.job.id)).error == "boom"


async def test_ack_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    held = await claimed_job(engine)

    async with untouched(engine, OTHER):
        assert await engine.ack([Ack(ref=held.ref)]) == [True]

    await assert_conserved(engine)


async def test_ack_leaves_the_other_jobs_of_the_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    beside = await one_of_each(engine, QUEUE)
    held = await claimed_job(engine)
    before = await engine.get(list(beside.values()))

    assert await engine.ack([Ack(ref=held.ref)]) == [True]

    assert await engine.get(list(beside.values())) == before
    await assert_conserved(engine)


async def test_ack_by_two_at_once_holds_once(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    ends = [
        Ack(ref=held.ref, follow_ups=then(On.DONE, job("after", queue=OTHER)))
        for held in await claims(one)
    ]

    first, second = await asyncio.gather(one.ack(ends), two.ack(ends))

    assert [a + b for a, b in zip(first, second, strict=True)] == [1] * 8
    assert await counts_of(one) == Counts(done=8, pushed=8)
    assert await counts_of(two, OTHER) == Counts(ready=8, pushed=8)
    await assert_conserved(one)


async def test_ack_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.ack([]) == []


async def test_ack_takes_many_at_once(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs(*map(str, range(MANY))))
    held = await claims(engine)
    after = then(On.DONE, job("after", queue=OTHER))

    answers = await engine.ack([Ack(ref=one.ref, follow_ups=after) for one in held])

    assert answers == [True] * MANY
    assert await counts_of(engine) == Counts(done=MANY, pushed=MANY)
    assert await counts_of(engine, OTHER) == Counts(ready=MANY, pushed=MANY)
    await assert_conserved(engine)


@needs(Feature.DURABLE)
async def test_ack_survives_a_crash_with_its_follow_ups(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    after = then(On.DONE, job("after", queue=OTHER))
    await harness.engine.ack([Ack(ref=held.ref, result="1", follow_ups=after)])
    done = await read(harness.engine, held.job.id)

    await harness.crash()

    assert await read(harness.engine, held.job.id) == done
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [False]
    [listed] = done.follow_ups
    assert (await claim_one(harness.engine, OTHER)).job.id == listed.id
    await assert_conserved(harness.engine)


@needs(Feature.DURABLE)
async def test_ack_of_a_claim_made_before_a_crash_holds(harness: Harness) -> None:
    held = await claimed_job(harness.engine)

    await harness.crash()

    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]
    await assert_conserved(harness.engine)
