"""Idempotency: a push that is sent again with its key is answered as before and stores nothing."""

import asyncio
from dataclasses import replace

from penstock.conformance.builders import (
    HOSTILE_TEXTS,
    HOUR,
    MANY,
    NOTHING,
    OTHER,
    QUEUE,
    assert_conserved,
    both,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    everything,
    job,
    key,
    names,
    push,
    push_one,
    put,
    read,
    state_of,
)
from penstock.conformance.harness import Harness, needs
from penstock.engine import CONFLICT, Ack, Cancel, Feature, Pushed
from penstock.job import Counts, FollowUp, NewJob, On, QueueKey, State

FIRST = job("first", idempotency=key())
AGAIN = job("again", idempotency=key())
OTHERWISE = job("otherwise", idempotency=key(fingerprint="another print"))


async def test_a_known_key_stores_nothing_and_gives_the_first_id(harness: Harness) -> None:
    [first] = await harness.engine.push([FIRST])

    answers = await harness.engine.push([AGAIN])

    assert first == Pushed(id=first.id)
    assert answers == [Pushed(id=first.id, replayed=True)]
    assert names(await everything(harness.engine)) == ["first"]
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)


async def test_the_answer_tells_when_the_job_was_stored(harness: Harness) -> None:
    [first, other] = await harness.engine.push([FIRST, job("other")])

    assert first.at is not None
    assert other.at == first.at
    assert first.at == (await read(harness.engine, first.id)).pushed_at


async def test_a_replay_tells_when_the_first_push_was(harness: Harness) -> None:
    [first] = await harness.engine.push([FIRST])
    await harness.age(HOUR)

    [again] = await harness.engine.push([AGAIN])

    assert again.at == (await read(harness.engine, first.id)).pushed_at


async def test_a_replay_tells_so_also_when_the_job_is_gone(harness: Harness) -> None:
    [first] = await harness.engine.push([FIRST])
    await harness.engine.delete([first.id])

    [again] = await harness.engine.push([AGAIN])

    assert again.at == first.at


async def test_a_known_key_with_another_fingerprint_is_a_conflict(harness: Harness) -> None:
    await push(harness.engine, FIRST)

    answers = await harness.engine.push([OTHERWISE])

    assert answers == [CONFLICT]
    assert names(await everything(harness.engine)) == ["first"]
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)


async def test_a_conflict_leaves_the_key_with_its_first_fingerprint(harness: Harness) -> None:
    first = await push_one(harness.engine, FIRST)

    await push(harness.engine, OTHERWISE)

    assert await harness.engine.push([AGAIN]) == [Pushed(id=first, replayed=True)]


async def test_within_one_batch_a_key_counts_from_its_first_job_on(harness: Harness) -> None:
    batch = [job("before"), FIRST, AGAIN, OTHERWISE, job("after")]

    before, first, again, otherwise, after = await harness.engine.push(batch)

    assert again == Pushed(id=first.id, replayed=True)
    assert otherwise == CONFLICT
    assert [before.replayed, first.replayed, after.replayed] == [False] * 3
    assert sorted(names(await claims(harness.engine))) == ["after", "before", "first"]
    await assert_conserved(harness.engine)


async def test_jobs_without_a_key_or_with_another_are_stored(harness: Harness) -> None:
    await push(harness.engine, FIRST)

    answers = await harness.engine.push([job("a"), job("a"), job("b", idempotency=key("other"))])

    assert not any(one.replayed or one.conflict for one in answers)
    assert await counts_of(harness.engine) == Counts(pushed=4, ready=4)


async def test_a_key_counts_in_its_own_domain_only(harness: Harness) -> None:
    await push(harness.engine, FIRST)
    elsewhere = replace(OTHERWISE, queue=QueueKey("tenant", QUEUE.type))

    [pushed] = await harness.engine.push([elsewhere])

    assert pushed == Pushed(id=pushed.id)
    assert (await read(harness.engine, pushed.id)).domain == "tenant"


async def test_a_key_counts_for_all_types_of_its_domain(harness: Harness) -> None:
    first = await push_one(harness.engine, FIRST)

    answers = await harness.engine.push(
        [replace(AGAIN, queue=OTHER), replace(OTHERWISE, queue=OTHER)]
    )

    assert answers[0] == Pushed(id=first, replayed=True)
    assert answers[1].conflict
    assert await counts_of(harness.engine, OTHER) == Counts()


async def test_a_key_is_known_whatever_became_of_its_job(harness: Harness) -> None:
    for state in (State.READY, State.CLAIMED, State.DONE, State.DEAD, State.CANCELLED):
        new = job(idempotency=key(state.value))
        id = await put(harness.engine, state, new)

        answers = await harness.engine.push([new])

        assert answers == [Pushed(id=id, replayed=True)]


async def test_a_key_is_known_when_its_job_is_gone(harness: Harness) -> None:
    first = await push_one(harness.engine, FIRST)
    await harness.engine.delete([first])

    assert await harness.engine.push([AGAIN]) == [Pushed(id=first, replayed=True)]
    assert await everything(harness.engine) == []


async def test_a_replay_tells_that_the_first_push_was_deduplicated(harness: Harness) -> None:
    twin = await push_one(harness.engine, job("twin", dedupe_key="key"))
    new = job("duplicate", dedupe_key="key", idempotency=key())
    assert await harness.engine.push([new]) == [Pushed(id=twin, deduplicated=True)]

    await claim_one(harness.engine)

    answers = await harness.engine.push([new])
    assert answers == [Pushed(id=twin, deduplicated=True, replayed=True)]
    assert await counts_of(harness.engine) == Counts(pushed=1, claimed=1)


async def test_a_replay_of_a_job_that_waits_is_no_duplicate_of_it(harness: Harness) -> None:
    new = replace(FIRST, dedupe_key="key")
    first = await push_one(harness.engine, new)

    assert await harness.engine.push([new]) == [Pushed(id=first, replayed=True)]


async def test_a_replay_and_a_conflict_raise_nothing(harness: Harness) -> None:
    new = replace(FIRST, dedupe_key="key", priority=100)
    first = await push_one(harness.engine, new)

    await push(harness.engine, replace(new, priority=900))
    await push(harness.engine, replace(OTHERWISE, dedupe_key="key", priority=900))

    assert (await read(harness.engine, first)).priority == 100


async def test_a_conflict_leaves_its_dedupe_key_free(harness: Harness) -> None:
    await push(harness.engine, FIRST)
    await push(harness.engine, replace(OTHERWISE, dedupe_key="key"))

    [pushed] = await harness.engine.push([job(dedupe_key="key")])

    assert not pushed.deduplicated


async def test_a_key_is_known_for_a_day(harness: Harness) -> None:
    first = await push_one(harness.engine, FIRST)

    await harness.age(23 * HOUR)
    await harness.engine.purge(MANY)

    assert await harness.engine.push([AGAIN]) == [Pushed(id=first, replayed=True)]


async def test_a_key_is_forgotten_after_a_day(harness: Harness) -> None:
    await push(harness.engine, FIRST)

    await harness.age(25 * HOUR)
    await harness.engine.purge(MANY)

    [pushed] = await harness.engine.push([OTHERWISE])
    assert pushed == Pushed(id=pushed.id)
    assert names(await everything(harness.engine)) == ["otherwise", "first"]


async def test_a_replay_does_not_make_the_day_longer(harness: Harness) -> None:
    await push(harness.engine, FIRST)
    await harness.age(20 * HOUR)
    await push(harness.engine, AGAIN)

    await harness.age(5 * HOUR)
    await harness.engine.purge(MANY)

    [pushed] = await harness.engine.push([AGAIN])
    assert not pushed.replayed


async def test_hostile_and_long_keys_are_known_again(harness: Harness) -> None:
    for text in (*HOSTILE_TEXTS, "k" * 500):
        new = job(queue=QueueKey(text, "mail"), idempotency=key(text, text))
        first = await push_one(harness.engine, new)

        assert await harness.engine.push([new]) == [Pushed(id=first, replayed=True)]


async def test_keys_that_differ_a_little_are_not_the_same(harness: Harness) -> None:
    alike = [
        _keyed("default", text) for text in ("key", "Key", "key ", "k\u00e9y", "ke\u0301y", "%")
    ]
    joined = [_keyed("a/b", "c"), _keyed("a", "b/c"), _keyed("d:e", "f"), _keyed("d", "e:f")]

    answers = await harness.engine.push([*alike, *joined])

    assert not any(one.replayed or one.conflict for one in answers)


async def test_a_follow_up_keeps_its_key(harness: Harness) -> None:
    held = await claimed_job(harness.engine)
    follow_up = FollowUp(on=On.DONE, job=FIRST)
    await harness.engine.ack([Ack(ref=held.ref, follow_ups=[follow_up])])
    [stored] = (await read(harness.engine, held.job.id)).follow_ups

    assert await harness.engine.push([AGAIN]) == [Pushed(id=stored.id, replayed=True)]


async def test_the_same_key_at_the_same_time_stores_one_job(harness: Harness) -> None:
    engines = await both(harness)

    answers = await asyncio.gather(*(engines[n % 2].push([FIRST]) for n in range(20)))

    assert len({answer[0].id for answer in answers}) == 1
    assert [answer[0].replayed for answer in answers].count(False) == 1
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)
    await assert_conserved(harness.engine)


async def test_of_two_fingerprints_at_the_same_time_one_is_stored(harness: Harness) -> None:
    one, another = await both(harness)

    [first], [second] = await asyncio.gather(one.push([FIRST]), another.push([OTHERWISE]))

    assert sorted([first.conflict, second.conflict]) == [False, True]
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)


async def test_a_key_is_known_after_reopen(harness: Harness) -> None:
    first = await push_one(harness.engine, FIRST)
    await harness.engine.cancel([Cancel(id=first, keep=NOTHING)])
    assert await state_of(harness.engine, first) is None

    await harness.reopen()

    assert await harness.engine.push([AGAIN]) == [Pushed(id=first, replayed=True)]


@needs(Feature.DURABLE)
async def test_a_push_whose_answer_was_lost_in_a_crash_is_stored_once(harness: Harness) -> None:
    first = await push_one(harness.engine, FIRST)

    await harness.crash()

    assert await harness.engine.push([AGAIN]) == [Pushed(id=first, replayed=True)]
    assert await counts_of(harness.engine) == Counts(pushed=1, ready=1)


def _keyed(domain: str, text: str) -> NewJob:
    return job(queue=QueueKey(domain, "mail"), idempotency=key(text, domain))
