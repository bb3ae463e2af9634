# long: every case of one verb, to be found in one place
"""Renew: the holder keeps the job and tells how far it is; anybody else learns that it is lost."""

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
    UNKNOWN_ID,
    WORKER,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    expire,
    jobs,
    push,
    read,
    state_of,
    untouched,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import asked, handed_out, not_held, one_of_each, overtaken
from penstock.engine import (
    Ack,
    Cancel,
    CancelAnswer,
    Engine,
    Feature,
    Held,
    Reclaimed,
    Renew,
    Retry,
)
from penstock.job import Claim, ClaimRef, Progress, State

HALF = Progress(percent=50, message="half")


async def test_renew_prolongs_the_claim_from_now_on(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    for _ in range(3):
        await harness.age(TTL - SECOND)
        assert await engine.renew([_renew(held)]) == [Held.HELD]
        assert await _reclaim(engine) == Reclaimed(0, [])

    await expire(harness)
    assert (await _reclaim(engine)).readied == 1
    await assert_conserved(engine)


async def test_renew_changes_nothing_but_the_time(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    async with untouched(engine, QUEUE):
        assert await engine.renew([_renew(held)]) == [Held.HELD]

    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_renew_may_also_shorten_the_claim(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine, ttl=HOUR)

    await engine.renew([Renew(ref=held.ref, ttl=SECOND)])
    await harness.age(2 * SECOND)

    assert (await _reclaim(engine)).readied == 1


async def test_renew_without_a_ttl_leaves_the_time_alone(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await harness.age(TTL - SECOND)

    assert await engine.renew([Renew(ref=held.ref, ttl=None, progress=HALF)]) == [Held.HELD]
    await harness.age(2 * SECOND)

    assert (await _reclaim(engine)).readied == 1


async def test_renew_keeps_the_progress(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    await engine.renew([Renew(ref=held.ref, ttl=TTL, progress=HALF)])

    assert await read(engine, held.job.id) == replace(held.job, progress=HALF)


async def test_renew_without_progress_leaves_the_progress_alone(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.renew([Renew(ref=held.ref, ttl=TTL, progress=HALF)])

    await engine.renew([_renew(held)])

    assert (await read(engine, held.job.id)).progress == HALF


async def test_renew_replaces_the_progress(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    further = [
        Progress(percent=percent, message=message)
        for percent, message in zip((0, 12.5, 100, 99.9, 1), HOSTILE_TEXTS, strict=True)
    ]

    for progress in further:
        await engine.renew([Renew(ref=held.ref, ttl=TTL, progress=progress)])
        assert (await read(engine, held.job.id)).progress == progress


async def test_the_next_claim_starts_without_progress(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await engine.renew([Renew(ref=held.ref, ttl=TTL, progress=HALF)])
    await engine.retry([Retry(ref=held.ref, after=NOTHING, error="boom")])

    again = await claim_one(engine)

    assert again.job.progress is None
    assert (await read(engine, again.job.id)).progress is None


async def test_renew_of_what_is_not_held_changes_nothing(harness: Harness) -> None:
    engine = harness.engine
    refs = await not_held(harness)

    async with untouched(engine, QUEUE):
        answers = await engine.renew(
            [Renew(ref=ref, ttl=HOUR, progress=HALF) for ref in refs.values()]
        )

    assert dict(zip(refs, answers, strict=True)) == dict.fromkeys(refs, Held.LOST)


async def test_renew_with_an_old_fence_does_not_prolong_the_claim_of_another(
    harness: Harness,
) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    await harness.age(TTL - SECOND)

    assert await engine.renew([Renew(ref=late.ref, ttl=HOUR, progress=HALF)]) == [Held.LOST]
    await harness.age(2 * SECOND)

    assert (await read(engine, fresh.job.id)).progress is None
    assert (await _reclaim(engine)).readied == 1
    await assert_conserved(engine)


async def test_renew_past_the_time_of_a_claim_holds_while_nobody_took_it(harness: Harness) -> None:
    engine = harness.engine
    held = await claimed_job(engine)
    await expire(harness)

    assert await engine.renew([_renew(held)]) == [Held.HELD]

    assert await _reclaim(engine) == Reclaimed(0, [])
    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_renew_says_that_a_cancel_is_asked_and_prolongs_all_the_same(
    harness: Harness,
) -> None:
    engine = harness.engine
    held = await asked(engine)

    for _ in range(2):
        await harness.age(TTL - SECOND)
        renewal = Renew(ref=held.ref, ttl=TTL, progress=HALF)
        assert await engine.renew([renewal]) == [Held.CANCEL_ASKED]
        assert await _reclaim(engine) == Reclaimed(0, [])

    assert (await read(engine, held.job.id)).progress == HALF
    end = Cancel(id=held.job.id, fence=held.ref.fence)
    assert await engine.cancel([end]) == [CancelAnswer.CANCELLED]
    assert await engine.renew([_renew(held)]) == [Held.LOST]


async def test_renew_holds_a_claim_that_reclaim_handed_out(harness: Harness) -> None:
    engine = harness.engine
    late, last = await handed_out(harness)
    await harness.age(TTL - SECOND)

    assert await engine.renew([_renew(last), _renew(late)]) == [Held.HELD, Held.LOST]
    await harness.age(2 * SECOND)

    assert await _reclaim(engine) == Reclaimed(0, [])


async def test_renew_answers_every_kind_in_its_place(harness: Harness) -> None:
    engine = harness.engine
    late, fresh = await overtaken(harness)
    wanted = await asked(engine)
    refs = (wanted.ref, late.ref, fresh.ref, ClaimRef(UNKNOWN_ID, 1), fresh.ref)

    answers = await engine.renew([Renew(ref=ref, ttl=TTL) for ref in refs])

    assert answers == [Held.CANCEL_ASKED, Held.LOST, Held.HELD, Held.LOST, Held.HELD]


async def test_renew_gives_each_job_of_a_batch_its_own_progress(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("a", "b", "c"))
    held = await claims(engine)
    told = [Progress(percent=10, message="a"), None, Progress(percent=30, message="c")]

    await engine.renew(
        [
            Renew(ref=one.ref, ttl=TTL, progress=progress)
            for one, progress in zip(held, told, strict=True)
        ]
    )

    stored = await engine.get([one.job.id for one in held])
    assert [one and one.progress for one in stored] == told


async def test_renew_of_one_claim_leaves_the_others_to_expire(harness: Harness) -> None:
    engine = harness.engine
    await push(engine, *jobs("kept", "lost"))
    kept, lost = await claims(engine)
    await harness.age(TTL - SECOND)

    await engine.renew([_renew(kept)])
    await harness.age(2 * SECOND)

    assert (await _reclaim(engine)).readied == 1
    assert await state_of(engine, kept.job.id) is State.CLAIMED
    assert await state_of(engine, lost.job.id) is State.READY


async def test_renew_leaves_the_other_queue_alone(harness: Harness) -> None:
    engine = harness.engine
    await one_of_each(engine, OTHER)
    held = await claimed_job(engine)

    async with untouched(engine, OTHER):
        await engine.renew([Renew(ref=held.ref, ttl=HOUR, progress=HALF)])
    await expire(harness)

    assert (await _reclaim(engine)).readied == 1
    assert await engine.ack([Ack(ref=held.ref)]) == [True]


async def test_renew_and_reclaim_at_once_agree_on_who_holds(harness: Harness) -> None:
    one, two = await both(harness)
    await push(one, *jobs(*"abcdefgh"))
    held = await claims(one)
    await expire(harness)

    heard, reclaimed = await asyncio.gather(
        one.renew([_renew(each) for each in held]), _reclaim(two)
    )

    assert heard.count(Held.LOST) == reclaimed.readied
    acked = await one.ack([Ack(ref=each.ref) for each in held])
    assert acked == [answer is Held.HELD for answer in heard]
    await assert_conserved(one)


async def test_renew_and_cancel_at_once_lose_neither(harness: Harness) -> None:
    one, two = await both(harness)
    held = await claimed_job(one)

    await asyncio.gather(
        one.renew([Renew(ref=held.ref, ttl=HOUR, progress=HALF)]),
        two.cancel([Cancel(id=held.job.id)]),
    )

    stored = await read(one, held.job.id)
    assert (stored.progress, stored.cancel_requested) == (HALF, True)
    await expire(harness)
    assert await _reclaim(one) == Reclaimed(0, [])


async def test_renew_of_nothing_is_fine(harness: Harness) -> None:
    assert await harness.engine.renew([]) == []


@needs(Feature.SHARED)
async def test_renew_prolongs_the_claim_for_every_process(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    other = await harness.second()
    await harness.age(TTL - SECOND)

    await harness.engine.renew([_renew(held)])
    await harness.age(2 * SECOND)

    assert await _reclaim(other) == Reclaimed(0, [])


@needs(Feature.DURABLE)
async def test_renew_survives_a_crash(harness: Harness) -> None:
    held = await claimed_job(harness.engine, ttl=MINUTE, worker=WORKER)
    await harness.engine.renew([Renew(ref=held.ref, ttl=HOUR, progress=HALF)])

    await harness.crash()

    await expire(harness, MINUTE)
    assert await _reclaim(harness.engine) == Reclaimed(0, [])
    assert (await read(harness.engine, held.job.id)).progress == HALF
    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]


def _renew(held: Claim) -> Renew:
    return Renew(ref=held.ref, ttl=TTL)


async def _reclaim(engine: Engine) -> Reclaimed:
    return await engine.reclaim(MANY, ttl=TTL, worker=RIVAL)
