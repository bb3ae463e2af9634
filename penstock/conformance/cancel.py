# long: every case of one verb, to be found in one place
"""Cancel: a waiting job ends at once, a claimed one is asked for, its holder ends it."""

import asyncio
from dataclasses import replace

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    MINUTE,
    NOTHING,
    OTHER,
    QUEUE,
    RIVAL,
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
    push,
    push_one,
    put,
    read,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import (
    asked,
    not_held,
    one_of_each,
    overtaken,
    states,
    then,
)
from penstock.engine import Cancel, CancelAnswer, Engine, Feature, Held, Renew
from penstock.job import WAITING, Claim, Counts, FollowUpId, JobId, On, State

CANCELLED, ASKED, REFUSED = CancelAnswer.CANCELLED, CancelAnswer.ASKED, CancelAnswer.REFUSED


async def test_cancel_ends_a_ready_job_at_once(harness: Harness) -> None:
    engine = harness.engine
    id = await push_one(engine, job(priority=7))
    before = await read(engine, id)

    answers = await engine.cancel([Cancel(id=id, error="not wanted", result="[1]")])

    after = await read(engine, id)
    assert answers == [CANCELLED]
    assert after.finished_at is not None
    assert after == replace(
        before,
        state=State.CANCELLED,
        error="not wanted",
        result="[1]",
        finished_at=after.finished_at,
        cancel_requested=after.cancel_requested,
    )
    assert await claims(engine) == []
    assert await counts_of(engine) == Counts(cancelled=1, pushed=1)
    await assert_conserved(engine)


@needs(Feature.DELAY)
async def test_cancel_ends_a_scheduled_job_at_once(harness: Harness) -> None:
    engine = harness.engine
    id = await put(engine, State.SCHEDULED)

    assert await engine.cancel([Cancel(id=id)]) == [CANCELLED]

    promoted = await engine.promote(MANY)
    assert (promoted.count, promoted.next_in) == (0, None)
    await harness.age(DAY)
    assert (await engine.promote(MANY)).count == 0
    assert await state_of(engine, id) is State.CANCELLED
    await assert_conserved(engine)


async def test_cancel_asks_for_a_claimed_job_and_ends_nothing(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    after = then(On.FAILED, job("after", queue=OTHER))

    ask = Cancel(id=held.job.id, error="not wanted", keep=NOTHING, follow_ups=after)
    assert await engine.cancel([ask]) == [ASKED]

    assert await read(engine, held.job.id) == replace(held.job, cancel_requested=True)
    assert await counts_of(engine) == Counts(claimed=1, pushed=1)
    assert await counts_of(engine, OTHER) == Counts()
    await assert_conserved(engine)


async def test_cancel_may_ask_again(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)

    async with untouched(engine, QUEUE):
        assert await engine.cancel([Cancel(id=held.job.id)] * 2) == [ASKED, ASKED]


async def test_cancel_by_the_holder_ends_the_job_at_once(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    end = Cancel(id=held.job.id, fence=held.ref.fence, error="stopped", result="[1]")
    assert await engine.cancel([end]) == [CANCELLED]

    after = await read(engine, held.job.id)
    assert after.finished_at is not None
    assert after == replace(
        held.job,
        state=State.CANCELLED,
        error="stopped",
        result="[1]",
        finished_at=after.finished_at,
        cancel_requested=after.cancel_requested,
    )
    assert await counts_of(engine) == Counts(cancelled=1, pushed=1)
    await assert_conserved(engine)


async def test_cancel_by_the_holder_who_was_asked_ends_the_job(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)

    assert await engine.cancel([_by_holder(held)]) == [CANCELLED]

    assert await state_of(engine, held.job.id) is State.CANCELLED
    await assert_conserved(engine)


async def test_cancel_tells_when_the_job_was_finished(harness: Harness) -> None:
    engine = harness.engine
    waiting = await push_one(engine, job())
    held = await claimed_job(engine, ttl=HOUR)
    await harness.age(MINUTE)

    assert await engine.cancel([Cancel(id=waiting), _by_holder(held)]) == [CANCELLED] * 2

    for id in (waiting, held.job.id):
        stored = await read(engine, id)
        assert stored.finished_at is not None
        assert MINUTE <= stored.finished_at - stored.pushed_at < 2 * MINUTE


async def test_cancel_pushes_follow_ups_and_each_job_lists_its_own(harness: Harness) -> None:
    engine = harness.engine
    waiting = await push_one(engine, job())
    held = await claimed_job(engine)

    await engine.cancel(
        [
            Cancel(id=waiting, follow_ups=then(On.FAILED, job("of waiting", queue=OTHER))),
            replace(_by_holder(held), follow_ups=then(On.FAILED, job("of held", queue=OTHER))),
        ]
    )

    given = {name_of(one): one.job.id for one in await claims(engine, want(OTHER))}
    assert given.keys() == {"of waiting", "of held"}
    assert (await read(engine, waiting)).follow_ups == (FollowUpId(On.FAILED, given["of waiting"]),)
    assert (await read(engine, held.job.id)).follow_ups == (
        FollowUpId(On.FAILED, given["of held"]),
    )
    await assert_conserved(engine)


async def test_cancel_pushes_a_follow_up_that_has_the_key_of_the_job_itself(
    harness: Harness,
) -> None:
    engine = harness.engine
    first = await push_one(engine, job("first", dedupe_key="k"))
    successor = then(On.FAILED, job("successor", dedupe_key="k"))

    assert await engine.cancel([Cancel(id=first, follow_ups=successor)]) == [CANCELLED]

    given = await claim_one(engine)
    assert name_of(given) == "successor"
    assert (await read(engine, first)).follow_ups == (FollowUpId(On.FAILED, given.job.id),)
    await assert_conserved(engine)


async def test_cancel_that_keeps_nothing_deletes_at_once_and_pushes_all_the_same(
    harness: Harness,
) -> None:
    engine = harness.engine
    waiting, held = await push_one(engine, job()), await claimed_job(engine)
    after = then(On.FAILED, job("after", queue=OTHER))

    answers = await engine.cancel(
        [
            replace(end, keep=NOTHING, follow_ups=after)
            for end in (Cancel(id=waiting), _by_holder(held))
        ]
    )

    assert answers == [CANCELLED, CANCELLED]
    assert await engine.get([waiting, held.job.id]) == [None, None]
    assert await counts_of(engine) == Counts(deleted=2, pushed=2)
    assert await counts_of(engine, OTHER) == Counts(ready=2, pushed=2)
    await assert_conserved(engine)


async def test_cancel_of_what_has_ended_or_is_unknown_is_refused(harness: Harness) -> None:
    engine = harness.engine
    ids = [id for state, id in (await one_of_each(engine, QUEUE)).items() if state.ended]
    after = then(On.FAILED, job("never", queue=OTHER))

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        answers = await engine.cancel(
            [
                Cancel(id=id, error="late", keep=NOTHING, follow_ups=after)
                for id in (*ids, UNKNOWN_ID)
            ]
        )

    assert answers == [REFUSED] * 5
    await assert_conserved(engine)


async def test_cancel_with_a_fence_of_what_is_not_held_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    refs = await not_held(harness)
    after = then(On.FAILED, job("never", queue=OTHER))

    async with untouched(engine, QUEUE), untouched(engine, OTHER):
        answers = await engine.cancel(
            [
                Cancel(id=ref.id, fence=ref.fence, error="late", follow_ups=after)
                for ref in refs.values()
            ]
        )

    assert dict(zip(refs, answers, strict=True)) == dict.fromkeys(refs, REFUSED)
    await assert_conserved(engine)


async def test_cancel_by_an_overtaken_worker_does_nothing_and_the_new_holders_ends_the_job(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)

    async with untouched(engine, QUEUE):
        assert await engine.cancel([_by_holder(late)]) == [REFUSED]
    assert await engine.cancel([_by_holder(fresh)]) == [CANCELLED]

    assert (await read(engine, fresh.job.id)).fence == 2
    await assert_conserved(engine)


async def test_cancel_past_the_time_of_a_claim_holds_while_nobody_took_it(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await expire(harness)

    assert await engine.cancel([_by_holder(held)]) == [CANCELLED]

    await assert_conserved(engine)


async def test_cancel_answers_every_kind_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    ready = await push_one(engine, job("ready"))
    done = await put(engine, State.DONE)
    held = await claimed_job(engine, job("held"))

    answers = await engine.cancel(
        [
            Cancel(id=done),
            _by_holder(held),
            Cancel(id=UNKNOWN_ID),
            _by_holder(late),
            Cancel(id=ready),
            Cancel(id=fresh.job.id),
        ]
    )

    assert answers == [REFUSED, CANCELLED, REFUSED, REFUSED, CANCELLED, ASKED]
    assert await counts_of(engine) == Counts(done=1, cancelled=2, claimed=1, pushed=4)
    await assert_conserved(engine)


async def test_cancel_of_one_job_twice_in_a_batch_ends_it_once(harness: Harness) -> None:
    engine = harness.engine
    waiting, held = await push_one(engine, job()), await claimed_job(engine)
    after = then(On.FAILED, job("after", queue=OTHER))
    ends = [Cancel(id=waiting, follow_ups=after), replace(_by_holder(held), follow_ups=after)]

    assert await engine.cancel([*ends, *ends]) == [CANCELLED, CANCELLED, REFUSED, REFUSED]

    assert await counts_of(engine) == Counts(cancelled=2, pushed=2)
    assert await counts_of(engine, OTHER) == Counts(ready=2, pushed=2)
    await assert_conserved(engine)


async def test_cancel_may_be_asked_and_obeyed_in_one_batch(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    answers = await engine.cancel([Cancel(id=held.job.id), _by_holder(held)])

    assert answers == [ASKED, CANCELLED]
    assert await state_of(engine, held.job.id) is State.CANCELLED


async def test_cancel_frees_the_key_of_a_waiting_job(harness: Harness) -> None:
    engine = harness.engine
    waiting = [state for state in states(engine) if state in WAITING]
    for state in waiting:
        id = await put(engine, state, job(dedupe_key=state.value))
        await engine.cancel([Cancel(id=id)])

    again = await engine.push([job(dedupe_key=state.value) for state in waiting])

    assert not any(one.deduplicated for one in again)
    assert len(await claims(engine)) == len(waiting)
    await assert_conserved(engine)


async def test_cancel_of_the_holder_leaves_the_key_to_the_waiting_twin(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, job(dedupe_key="k"))
    twin = await push_one(engine, job("twin", dedupe_key="k"))

    assert await engine.cancel([_by_holder(held)]) == [CANCELLED]

    [again] = await engine.push([job("again", dedupe_key="k")])
    assert (again.id, again.deduplicated) == (twin, True)
    await assert_conserved(engine)


async def test_an_asked_cancel_outlives_the_worker_that_was_asked(harness: Harness) -> None:
    engine = harness.engine
    held = await asked(engine)
    await expire(harness)

    [last] = (await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)).last

    assert last.job.cancel_requested
    assert await engine.cancel([_by_holder(held), _by_holder(last)]) == [REFUSED, CANCELLED]
    await assert_conserved(engine)


async def test_cancel_in_a_paused_queue_works_as_in_any(harness: Harness) -> None:
    engine = harness.engine
    waiting, held = await push_one(engine, job()), await claimed_job(engine)
    await engine.pause([QUEUE])

    assert await engine.cancel([Cancel(id=waiting), Cancel(id=held.job.id)]) == [CANCELLED, ASKED]

    await assert_conserved(engine)


async def test_cancel_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    waiting, held = await push_one(engine, job()), await claimed_job(engine)

    async with untouched(engine, OTHER):
        await engine.cancel([Cancel(id=waiting), Cancel(id=held.job.id), _by_holder(held)])

    await assert_conserved(engine)


async def test_cancel_by_two_at_once_ends_each_job_once(harness: Harness) -> None:
    one, two = await both(harness)
    after = then(On.FAILED, job("after", queue=OTHER))
    await push(one, *jobs(*"abcd"))
    held = [replace(_by_holder(each), follow_ups=after) for each in await claims(one)]
    waiting = [Cancel(id=id, follow_ups=after) for id in await push(one, *jobs(*"efgh"))]

    answers = await asyncio.gather(one.cancel(held + waiting), two.cancel(held + waiting))

    assert [set(pair) for pair in zip(*answers, strict=True)] == [{CANCELLED, REFUSED}] * 8
    assert await counts_of(one) == Counts(cancelled=8, pushed=8)
    assert await counts_of(two, OTHER) == Counts(ready=8, pushed=8)
    await assert_conserved(one)


async def test_cancel_and_claim_at_once_agree_on_who_was_first(harness: Harness) -> None:
    one, two = await both(harness)
    ids = await push(one, *jobs(*"abcdefgh"))

    claimed, answers = await asyncio.gather(
        two.claim([want(limit=4)], RIVAL), _cancel_all(one, ids)
    )

    given = {each.job.id for each in claimed.claims}
    assert given == {id for id, answer in answers.items() if answer is ASKED}
    assert {await state_of(one, id) for id in ids if id not in given} <= {State.CANCELLED}
    heard = await two.renew([Renew(ref=each.ref, ttl=TTL) for each in claimed.claims])
    assert heard == [Held.CANCEL_ASKED] * len(given)
    await assert_conserved(one)


async def test_cancel_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.cancel([]) == []


@needs(Feature.DURABLE)
async def test_cancel_survives_a_crash_asked_or_done(harness: Harness) -> None:
    engine = harness.engine
    waiting = await push_one(engine, job())
    after = then(On.FAILED, job("after", queue=OTHER))
    await engine.cancel([Cancel(id=waiting, follow_ups=after)])
    held = await asked(engine)

    await harness.crash()

    engine = harness.engine
    assert await state_of(engine, waiting) is State.CANCELLED
    assert name_of(await claim_one(engine, OTHER)) == "after"
    assert (await read(engine, held.job.id)).cancel_requested
    assert await engine.cancel([_by_holder(held)]) == [CANCELLED]
    await assert_conserved(engine)


def _by_holder(held: Claim) -> Cancel:
    return Cancel(id=held.job.id, fence=held.ref.fence)


async def _cancel_all(engine: Engine, ids: list[JobId]) -> dict[JobId, CancelAnswer]:
    return dict(zip(ids, await engine.cancel([Cancel(id=id) for id in ids]), strict=True))
