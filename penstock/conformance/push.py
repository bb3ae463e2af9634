# long: whatever can be pushed, with everything that a store could lose of it
"""Push: what was answered is stored, whole, once, under an id of its own."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta, timezone

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    HOUR,
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    SECOND,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    everything,
    job,
    jobs,
    name_of,
    names,
    push,
    push_one,
    put,
    read,
    root,
    state_of,
    untouched,
    want,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import Ack, Feature
from penstock.job import (
    MAX_PRIORITY,
    Callback,
    Counts,
    Delivery,
    Details,
    Job,
    NewJob,
    On,
    QueueKey,
    State,
    store_number,
)

DETAILS = Details(
    context="wiki of \U0001f6b0",
    timeout=timedelta(seconds=90.5),
    callbacks=(
        Callback(on=On.DONE, type="http", params='{"url": "http://done.test"}', report=False),
        Callback(on=On.FAILED, type="exec", params='{"argv": ["/bin/true"]}'),
    ),
    trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    request_id="request-1",
)
UNSTORABLE = (
    job("lone surrogate", params='{"name": "\ud800"}'),
    job("zero character", params='{"name": "\0"}'),
    job("beyond 64 bits", priority=2**80),
)


async def test_a_pushed_job_is_ready_and_nobody_has_had_it(harness: Harness) -> None:
    [pushed] = await harness.engine.push([job("a")])

    stored = await read(harness.engine, pushed.id)
    assert (pushed.deduplicated, pushed.replayed, pushed.conflict) == (False, False, False)
    assert (stored.id, stored.queue, name_of(stored)) == (pushed.id, QUEUE, "a")
    assert (stored.state, stored.attempt, stored.fence) == (State.READY, 0, 0)
    assert (stored.worker, stored.claimed_at, stored.finished_at) == (None, None, None)
    assert (stored.result, stored.error, stored.progress) == (None, None, None)
    assert (stored.cancel_requested, stored.follow_ups, stored.unreadable) == (False, (), None)


async def test_everything_a_job_carries_is_read_back(harness: Harness) -> None:
    new = job(
        "whole",
        details=DETAILS,
        priority=7,
        max_attempts=11,
        delivery=Delivery.AT_MOST_ONCE,
        root=root(3),
    )

    stored = await read(harness.engine, await push_one(harness.engine, new))

    assert _as_pushed(stored) == new


async def test_the_claim_carries_what_was_pushed(harness: Harness) -> None:
    new = job("whole", details=DETAILS, max_attempts=11, delivery=Delivery.AT_MOST_ONCE)
    await push_one(harness.engine, new)

    held = await claim_one(harness.engine)

    assert _as_pushed(held.job) == new


async def test_the_head_of_a_family_is_known_as_such(harness: Harness) -> None:
    head = replace(root(1), is_self=True)

    ids = await push(harness.engine, job("head", root=head), job("member", root=root(1)))

    assert [(await read(harness.engine, id)).root for id in ids] == [head, root(1)]


async def test_a_batch_is_answered_place_by_place_with_rising_ids(harness: Harness) -> None:
    ids = await push(harness.engine, *(job(str(n)) for n in range(MANY)))

    stored = await harness.engine.get(ids)
    assert names(one for one in stored if one) == [str(n) for n in range(MANY)]
    assert ids == sorted(set(ids))


async def test_ids_are_those_of_the_stores_number(harness: Harness) -> None:
    ids = await push(harness.engine, *jobs("a", "b"))

    assert [store_number(id) for id in ids] == [0, 0]
    assert ids[0] > 0


async def test_later_pushes_get_higher_ids(harness: Harness) -> None:
    first = await push_one(harness.engine, job(queue=OTHER))
    second = await push_one(harness.engine, job())
    third = await push_one(harness.engine, job(queue=OTHER))

    assert first < second < third


async def test_the_id_of_a_deleted_job_is_never_given_again(harness: Harness) -> None:
    old = await push_one(harness.engine, job())
    await harness.engine.delete([old])

    assert await push_one(harness.engine, job()) != old


async def test_the_id_of_a_job_that_was_not_kept_is_never_given_again(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    await harness.engine.ack([Ack(ref=held.ref, keep=NOTHING)])

    assert await push_one(harness.engine, job()) != held.job.id


async def test_the_id_of_a_purged_job_is_not_given_again_after_reopen(harness: Harness) -> None:
    old = await put(harness.engine, State.DONE)
    await harness.age(100 * HOUR)
    assert await harness.engine.purge(MANY) == 1

    await harness.reopen()

    assert await push_one(harness.engine, job()) != old


async def test_an_empty_push_stores_nothing(harness: Harness) -> None:
    assert list(await harness.engine.push([])) == []

    assert await everything(harness.engine) == []


async def test_each_job_of_a_batch_goes_into_its_own_queue(harness: Harness) -> None:
    elsewhere = QueueKey("tenant", "mail")

    await push(harness.engine, job("a"), job("b", queue=OTHER), job("c", queue=elsewhere))

    assert names(await claims(harness.engine, want(QUEUE))) == ["a"]
    assert names(await claims(harness.engine, want(OTHER))) == ["b"]
    assert names(await claims(harness.engine, want(elsewhere))) == ["c"]


async def test_a_push_leaves_the_other_queue_alone(harness: Harness) -> None:
    await push(harness.engine, job("far", queue=OTHER, dedupe_key="key", root=root(1)))

    async with untouched(harness.engine, OTHER):
        await push(harness.engine, job("near", dedupe_key="key", root=root(2)))

    assert names(await claims(harness.engine, want(OTHER))) == ["far"]


@needs(Feature.DELAY)
async def test_a_delayed_job_is_scheduled_for_its_time(harness: Harness) -> None:
    stored = await read(harness.engine, await push_one(harness.engine, job(delay=HOUR)))

    assert stored.state is State.SCHEDULED
    assert stored.run_at is not None
    assert abs(stored.run_at - stored.pushed_at - HOUR) < SECOND
    assert await claims(harness.engine) == []


async def test_a_job_without_a_delay_is_ready_and_has_no_run_time(harness: Harness) -> None:
    ids = await push(harness.engine, job("now"), job("negative", delay=-HOUR))

    stored = [await read(harness.engine, id) for id in ids]
    assert [(one.state, one.run_at) for one in stored] == [(State.READY, None)] * 2


@needs(Feature.DELAY)
async def test_a_job_with_a_run_time_is_scheduled_for_that_moment(harness: Harness) -> None:
    now = (await read(harness.engine, await push_one(harness.engine, job()))).pushed_at
    moment = (now + HOUR).replace(microsecond=0)
    far_east = moment.astimezone(timezone(timedelta(hours=14)))

    ids = await push(harness.engine, job(run_at=moment), job(run_at=far_east))

    stored = [await read(harness.engine, id) for id in ids]
    assert [(one.state, one.run_at) for one in stored] == [(State.SCHEDULED, moment)] * 2


@needs(Feature.DELAY)
async def test_a_job_whose_run_time_is_past_is_ready(harness: Harness) -> None:
    now = (await read(harness.engine, await push_one(harness.engine, job()))).pushed_at

    id = await push_one(harness.engine, job("late", run_at=now - HOUR))

    assert await state_of(harness.engine, id) is State.READY


async def test_times_are_aware_and_in_utc(harness: Harness) -> None:
    stored = await read(harness.engine, await put(harness.engine, State.DONE))

    assert stored.pushed_at.utcoffset() == timedelta(0)
    assert stored.claimed_at is not None
    assert stored.finished_at is not None
    assert stored.pushed_at <= stored.claimed_at <= stored.finished_at


async def test_hostile_text_is_stored_as_it_is(harness: Harness) -> None:
    for text in HOSTILE_TEXTS:
        new = job(
            text,
            queue=QueueKey(domain=text, type=text),
            details=Details(context=text, request_id=text),
            dedupe_key=text,
            root=root(1, text),
        )
        id = await push_one(harness.engine, new)

        held = await claim_one(harness.engine, new.queue, worker=text)

        assert held.job.id == id
        assert held.job.worker == text
        assert replace(_as_pushed(held.job), dedupe_key=text) == new
    await assert_conserved(harness.engine)


async def test_long_params_are_stored_whole(harness: Harness) -> None:
    name = "\U0001f6b0ä'\"{}" * 10_000

    id = await push_one(harness.engine, job(name))

    assert len(name) == 70_000 - 10_000
    assert name_of(await read(harness.engine, id)) == name
    assert name_of(await claim_one(harness.engine)) == name


async def test_the_text_of_the_params_is_kept_to_the_letter(harness: Harness) -> None:
    text = '{ "b":1.0,"a" : 1e2, "A": 9223372036854775807, "\\u00e4": "\\/", "n": null , "":{}}'

    id = await push_one(harness.engine, job(params=text))

    assert (await read(harness.engine, id)).params == text


async def test_both_ends_of_the_priorities_are_kept(harness: Harness) -> None:
    ids = await push(harness.engine, job(priority=0), job(priority=MAX_PRIORITY))

    assert [(await read(harness.engine, id)).priority for id in ids] == [0, MAX_PRIORITY]


async def test_queues_whose_names_join_to_the_same_text_are_two(harness: Harness) -> None:
    alike = [QueueKey("a/b", "c"), QueueKey("a", "b/c"), QueueKey("a:b", "c"), QueueKey("a", "b:c")]
    await push(harness.engine, *(job(repr(queue), queue=queue) for queue in alike))

    for queue in alike:
        assert await counts_of(harness.engine, queue) == Counts(pushed=1, ready=1)
        assert names(await claims(harness.engine, want(queue))) == [repr(queue)]


async def test_queues_whose_names_differ_a_little_are_two(harness: Harness) -> None:
    alike = [QueueKey(domain, "mail") for domain in ("wiki", "Wiki", "wiki ", "wïki", "wi\u0308ki")]
    await push(harness.engine, *(job(repr(queue), queue=queue) for queue in alike))

    for queue in alike:
        assert names(await claims(harness.engine, want(queue))) == [repr(queue)]


async def test_pushes_are_counted(harness: Harness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"), job(queue=OTHER))

    assert await counts_of(harness.engine) == Counts(pushed=3, ready=3)
    await assert_conserved(harness.engine)


async def test_pushes_at_the_same_time_are_each_answered_with_their_own_job(
    harness: Harness,
) -> None:
    engines = await both(harness)
    wished = [str(n) for n in range(60)]

    ids = await asyncio.gather(
        *(push_one(engines[n % 2], job(name)) for n, name in enumerate(wished))
    )

    stored = await harness.engine.get(ids)
    assert names(one for one in stored if one) == wished
    assert await counts_of(harness.engine) == Counts(pushed=60, ready=60)
    await assert_conserved(harness.engine)


@needs(Feature.ATOMIC)
async def test_a_batch_with_a_job_that_cannot_be_stored_is_all_or_none(harness: Harness) -> None:
    for bad in UNSTORABLE:
        before = len(await everything(harness.engine))

        with contextlib.suppress(Exception):
            await harness.engine.push([job("before"), bad, job("after")])

        assert len(await everything(harness.engine)) in (before, before + 3)
    await assert_conserved(harness.engine)


async def test_a_job_that_cannot_be_stored_does_no_harm_to_pushes_beside_it(
    harness: Harness,
) -> None:
    for bad in UNSTORABLE:
        good, _, fine = await asyncio.gather(
            push_one(harness.engine, job("good")),
            harness.engine.push([bad]),
            push_one(harness.engine, job("fine")),
            return_exceptions=True,
        )

        assert isinstance(good, int)
        assert isinstance(fine, int)
        assert name_of(await read(harness.engine, good)) == "good"
        assert name_of(await read(harness.engine, fine)) == "fine"


async def test_a_cancelled_push_is_stored_or_not_and_the_next_is_answered_rightly(
    harness: Harness,
) -> None:
    pushing = asyncio.create_task(harness.engine.push(jobs("a", "b")))
    await asyncio.sleep(0)
    pushing.cancel()

    later = await push_one(harness.engine, job("later"))
    await asyncio.gather(pushing, return_exceptions=True)

    assert name_of(await read(harness.engine, later)) == "later"
    assert sorted(names(await everything(harness.engine))) in (["later"], ["a", "b", "later"])
    await assert_conserved(harness.engine)


async def test_pushed_jobs_are_there_after_reopen(harness: Harness) -> None:
    ids = await push(harness.engine, *jobs("a", "b"))

    await harness.reopen()

    assert names(await claims(harness.engine)) == ["a", "b"]
    assert await push_one(harness.engine, job()) not in ids
    await assert_conserved(harness.engine)


@needs(Feature.DURABLE)
async def test_every_answered_push_survives_a_crash(harness: Harness) -> None:
    answered = await asyncio.gather(*(push_one(harness.engine, job(str(n))) for n in range(30)))

    await harness.crash()

    stored = await harness.engine.get(answered)
    assert names(one for one in stored if one) == [str(n) for n in range(30)]
    await assert_conserved(harness.engine)


@needs(Feature.SHARED)
async def test_another_process_can_claim_what_was_pushed(harness: Harness) -> None:
    another = await harness.second()

    await push(harness.engine, job("near"))
    await push(another, job("far"))

    assert names(await claims(another)) == ["near", "far"]


def _as_pushed(stored: Job) -> NewJob:
    return NewJob(
        queue=stored.queue,
        params=stored.params,
        details=stored.details,
        priority=stored.priority,
        root=stored.root,
        max_attempts=stored.max_attempts,
        delivery=stored.delivery,
    )
