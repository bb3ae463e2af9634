# long: every way in which what was asked for together could be torn apart
"""Together: what is asked for under one key stands or falls as a whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from penstock.conformance.builders import (
    DAY,
    HOUR,
    MANY,
    OTHER,
    QUEUE,
    assert_conserved,
    both,
    claimed_job,
    claims,
    counts_of,
    everything,
    job,
    key,
    names,
    push,
    push_one,
    read,
    root,
)
from penstock.conformance.harness import Harness, needs
from penstock.conformance.stories import then
from penstock.engine import CONFLICT, Ack, Bury, Cancel, Feature, Pushed
from penstock.job import Counts, FollowUp, NewJob, On, QueueKey, State

TENANT = QueueKey("tenant", QUEUE.type)


def asked(
    fingerprint: str, *items: int, name: str = "key", queue: QueueKey = QUEUE
) -> list[NewJob]:
    """Jobs that were asked for together under one key, named by their fingerprint and item."""
    return [
        job(f"{fingerprint}{item}", queue=queue, idempotency=key(name, fingerprint, item))
        for item in items
    ]


async def test_jobs_under_one_key_are_all_stored(harness: Harness) -> None:
    answers = await harness.engine.push(asked("a", 0, 1, 2))

    assert not any(one.replayed or one.conflict for one in answers)
    assert names(await claims(harness.engine)) == ["a0", "a1", "a2"]


async def test_jobs_under_one_key_are_replayed_each_as_it_was_answered(harness: Harness) -> None:
    a, b, c = await push(harness.engine, *asked("a", 0, 1, 2))

    again = await harness.engine.push(asked("a", 2, 0, 1, 0))

    assert again == [Pushed(id=id, replayed=True) for id in (c, a, b, a)]
    assert await counts_of(harness.engine) == Counts(pushed=3, ready=3)


async def test_of_a_longer_push_with_another_fingerprint_nothing_is_stored(
    harness: Harness,
) -> None:
    await push(harness.engine, *asked("a", 0, 1))

    answers = await harness.engine.push(asked("b", 0, 1, 2, 3))

    assert answers == [CONFLICT] * 4
    assert names(await everything(harness.engine)) == ["a1", "a0"]
    assert await counts_of(harness.engine) == Counts(pushed=2, ready=2)


async def test_of_a_shorter_push_with_another_fingerprint_nothing_is_stored(
    harness: Harness,
) -> None:
    await push(harness.engine, *asked("a", 0, 1, 2))

    assert await harness.engine.push(asked("b", 0)) == [CONFLICT]
    assert await harness.engine.push(asked("b", 2)) == [CONFLICT]
    assert await counts_of(harness.engine) == Counts(pushed=3, ready=3)


async def test_one_known_item_is_enough_for_a_conflict_wherever_it_stands(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 7))

    assert await harness.engine.push(asked("b", 0, 1, 7)) == [CONFLICT] * 3
    assert await harness.engine.push(asked("b", 7, 0)) == [CONFLICT] * 2
    assert not any(one.conflict for one in await harness.engine.push(asked("b", 0, 1)))


async def test_a_conflict_has_no_id_and_no_time(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))

    for answer in await harness.engine.push(asked("b", 0, 1)):
        assert (answer.id, answer.conflict, answer.at) == (0, True, None)
        assert not answer.replayed
        assert not answer.deduplicated


async def test_the_rest_of_the_call_goes_in_as_always(harness: Harness) -> None:
    [_, known] = await push(harness.engine, *asked("a", 0), *asked("c", 0, name="replayed"))
    fallen = asked("b", 0, 1)
    others = [job("plain"), *asked("b", 0, 1, name="other"), *asked("c", 0, name="replayed")]

    answers = await harness.engine.push([fallen[0], *others, fallen[1], job("last")])

    assert [one.conflict for one in answers] == [True, *[False] * 4, True, False]
    assert [one.replayed for one in answers] == [*[False] * 4, True, False, False]
    assert answers[4].id == known
    given = names(await claims(harness.engine))
    assert sorted(given) == ["a0", "b0", "b1", "c0", "last", "plain"]
    await assert_conserved(harness.engine)


async def test_within_one_call_the_push_whose_first_job_stands_first_wins(harness: Harness) -> None:
    a, b = asked("a", 0, 1), asked("b", 1, 0)

    answers = await harness.engine.push([a[0], b[0], a[1], b[1]])

    assert [one.conflict for one in answers] == [False, True, False, True]
    assert names(await claims(harness.engine)) == ["a0", "a1"]


async def test_pushes_of_one_call_that_share_no_item_all_stand(harness: Harness) -> None:
    answers = await harness.engine.push([*asked("a", 0, 2), *asked("b", 1, 3)])

    assert not any(one.conflict for one in answers)
    assert await counts_of(harness.engine) == Counts(pushed=4, ready=4)


async def test_what_fell_stands_in_nobodys_way(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))

    answers = await harness.engine.push(
        [*asked("b", 0, 1), *asked("c", 1, 2), *asked("d", 2, 3), *asked("e", 3)]
    )

    assert [one.conflict for one in answers] == [True, True, False, False, True, True, False]
    assert names(await everything(harness.engine)) == ["e3", "c2", "c1", "a0"]
    assert await harness.engine.push(asked("d", 4)) != [CONFLICT]


async def test_a_conflict_in_one_domain_reaches_what_was_asked_for_in_another(
    harness: Harness,
) -> None:
    await push(harness.engine, *asked("a", 0))

    answers = await harness.engine.push([*asked("b", 0, queue=TENANT), *asked("b", 0)])

    assert answers == [CONFLICT] * 2
    assert await counts_of(harness.engine, TENANT) == Counts()


async def test_a_key_that_is_known_in_another_domain_only_is_no_conflict(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))

    answers = await harness.engine.push(asked("b", 0, 1, queue=TENANT))

    assert not any(one.conflict for one in answers)
    assert await counts_of(harness.engine, TENANT) == Counts(pushed=2, ready=2)


async def test_a_conflict_reaches_all_types_that_were_asked_for(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0, queue=OTHER))

    answers = await harness.engine.push([*asked("b", 1), *asked("b", 0, queue=OTHER)])

    assert answers == [CONFLICT] * 2
    assert await counts_of(harness.engine) == Counts()


async def test_what_falls_registers_no_root(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0), job("old", root=root(1)))
    [first, second] = asked("b", 0, 1)

    await push(harness.engine, first, replace(second, root=root(2)))

    assert sorted(names(await claims(harness.engine))) == ["a0", "old"]


async def test_what_falls_raises_no_twin_and_keeps_no_dedupe_key(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))
    twin = await push_one(harness.engine, job("twin", dedupe_key="twin", priority=100))
    [first, second, third] = asked("b", 0, 1, 2)
    second = replace(second, dedupe_key="twin", priority=900)

    await push(harness.engine, first, second, replace(third, dedupe_key="free"))

    assert (await read(harness.engine, twin)).priority == 100
    [pushed] = await harness.engine.push([job(dedupe_key="free")])
    assert not pushed.deduplicated


async def test_a_twin_in_the_same_call_is_not_raised_by_what_falls(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))
    fallen = [replace(one, dedupe_key="twin", priority=900) for one in asked("b", 0, 1)]
    twin = job("twin", dedupe_key="twin", priority=100)

    answers = await harness.engine.push([fallen[0], twin, fallen[1]])

    assert [one.conflict for one in answers] == [True, False, True]
    assert not answers[1].deduplicated
    assert (await read(harness.engine, answers[1].id)).priority == 100


async def test_what_fell_left_nothing_of_its_key(harness: Harness) -> None:
    [first] = await push(harness.engine, *asked("a", 0))
    await push(harness.engine, *asked("b", 0, 1))

    answers = await harness.engine.push(asked("c", 1))

    assert [one.conflict for one in answers] == [False]
    assert await harness.engine.push(asked("a", 0)) == [Pushed(id=first, replayed=True)]


async def test_jobs_that_come_to_a_known_push_are_stored_beside_its_replay(
    harness: Harness,
) -> None:
    [first] = await push(harness.engine, *asked("a", 0))

    known, fresh = await harness.engine.push(asked("a", 0, 1))

    assert known == Pushed(id=first, replayed=True)
    assert fresh == Pushed(id=fresh.id)
    assert names(await claims(harness.engine)) == ["a0", "a1"]


async def test_after_a_day_another_push_goes_in_as_a_whole(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0, 1))

    await harness.age(23 * HOUR)
    assert await harness.engine.push(asked("b", 0, 1, 2)) == [CONFLICT] * 3

    await harness.age(2 * HOUR)
    answers = await harness.engine.push(asked("b", 0, 1, 2))
    assert answers == [Pushed(id=one.id) for one in answers]
    assert await harness.engine.push(asked("a", 2)) == [CONFLICT]


async def test_a_key_with_a_number_is_no_item_of_another_key(harness: Harness) -> None:
    alike = ["key#1", "key/1", "1/key", "key1", "1key", "key:1", "key\x1f1", "1"]
    jobs = [one for name in alike for one in asked(name, 0, 11, name=name)]

    answers = await harness.engine.push([*asked("a", 0, 1, 11), *jobs])

    assert not any(one.replayed or one.conflict for one in answers)
    again = await harness.engine.push(jobs)
    assert [one.id for one in again] == [one.id for one in answers[3:]]


async def test_a_thousand_jobs_fall_for_the_last_of_them(harness: Harness) -> None:
    await push(harness.engine, *asked("a", MANY - 1))

    answers = await harness.engine.push([*asked("b", *range(MANY)), job("beside")])

    assert answers[:MANY] == [CONFLICT] * MANY
    assert names(await everything(harness.engine)) == ["beside", f"a{MANY - 1}"]
    await assert_conserved(harness.engine)


async def test_of_different_pushes_under_one_key_at_once_one_stands_as_a_whole(
    harness: Harness,
) -> None:
    engines = await both(harness)
    bodies = [asked(chr(ord("a") + n), *range(n + 1)) for n in range(8)]

    answers = await asyncio.gather(
        *(engines[n % 2].push(body) for n, body in enumerate([*bodies, *bodies]))
    )

    stood = [n % 8 for n, answer in enumerate(answers) if answer[0] != CONFLICT]
    assert len(stood) == 2, "the winner's repetition is its replay, everyone else falls"
    assert len(set(stood)) == 1
    assert all(
        answer == [CONFLICT] * len(answer) for n, answer in enumerate(answers) if n % 8 not in stood
    )
    assert await counts_of(harness.engine) == Counts(pushed=stood[0] + 1, ready=stood[0] + 1)
    await assert_conserved(harness.engine)


async def test_the_same_push_at_once_is_stored_once(harness: Harness) -> None:
    engines = await both(harness)

    answers = await asyncio.gather(*(engines[n % 2].push(asked("a", 0, 1, 2)) for n in range(10)))

    assert len({tuple(one.id for one in answer) for answer in answers}) == 1
    assert sum(not one.replayed for answer in answers for one in answer) == 3
    assert await counts_of(harness.engine) == Counts(pushed=3, ready=3)


async def test_calls_at_the_same_time_are_judged_each_for_itself(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 9))

    answers = await asyncio.gather(
        harness.engine.push(asked("b", 0)),
        harness.engine.push(asked("b", 1, 9)),
        harness.engine.push([job("beside")]),
        harness.engine.push(asked("b", 2)),
    )

    assert [one.conflict for answer in answers for one in answer] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert sorted(names(await everything(harness.engine))) == ["a9", "b0", "b2", "beside"]
    await assert_conserved(harness.engine)


async def test_follow_ups_of_one_end_fall_together_and_the_job_ends(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))
    held = await claimed_job(harness.engine)
    follow_ups = then(On.DONE, *asked("b", 1), job("beside"), *asked("b", 0))

    assert await harness.engine.ack([Ack(ref=held.ref, follow_ups=follow_ups)]) == [True]

    ended = await read(harness.engine, held.job.id)
    [stored] = ended.follow_ups
    assert ended.state is State.DONE
    assert names([await read(harness.engine, stored.id)]) == ["beside"]
    assert await counts_of(harness.engine) == Counts(pushed=3, ready=2, done=1)
    await assert_conserved(harness.engine)


async def test_an_end_whose_follow_ups_all_fall_has_none(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 0))
    follow_ups = then(On.FAILED, *asked("b", 0, 1))
    [one, another] = [await claimed_job(harness.engine) for _ in range(2)]
    waiting = await push_one(harness.engine, job())

    await harness.engine.ack([Ack(ref=one.ref, follow_ups=follow_ups)])
    await harness.engine.bury([Bury(ref=another.ref, error="boom", follow_ups=follow_ups)])
    await harness.engine.cancel([Cancel(id=waiting, follow_ups=follow_ups)])

    for id in (one.job.id, another.job.id, waiting):
        assert (await read(harness.engine, id)).follow_ups == ()
    assert names(await everything(harness.engine)) == ["a", "a", "a", "a0"]


async def test_follow_ups_of_several_ends_are_judged_each_for_itself(harness: Harness) -> None:
    await push(harness.engine, *asked("a", 9))
    held = [await claimed_job(harness.engine) for _ in range(5)]
    follow_ups: Sequence[Sequence[FollowUp]] = [
        then(On.DONE, *asked("b", 1, 9)),
        then(On.DONE, *asked("b", 0)),
        then(On.DONE, *asked("c", 1)),
        then(On.DONE, *asked("d", 1, 2)),
        then(On.DONE, *asked("d", 2)),
    ]

    await harness.engine.ack(
        [
            Ack(ref=one.ref, follow_ups=after, keep=DAY)
            for one, after in zip(held, follow_ups, strict=True)
        ]
    )

    ended = [await read(harness.engine, one.job.id) for one in held]
    stored = [[await read(harness.engine, each.id) for each in one.follow_ups] for one in ended]
    assert [names(jobs) for jobs in stored] == [[], ["b0"], ["c1"], [], ["d2"]]
    await assert_conserved(harness.engine)


async def test_items_are_known_after_reopen(harness: Harness) -> None:
    ids = await push(harness.engine, *asked("a", 0, 1))

    await harness.reopen()

    assert await harness.engine.push(asked("b", 1, 2)) == [CONFLICT] * 2
    again = await harness.engine.push(asked("a", 0, 1))
    assert again == [Pushed(id=id, replayed=True) for id in ids]


@needs(Feature.DURABLE)
async def test_items_are_known_after_a_crash(harness: Harness) -> None:
    ids = await push(harness.engine, *asked("a", 0, 1))

    await harness.crash()

    assert await harness.engine.push(asked("b", 1, 2)) == [CONFLICT] * 2
    again = await harness.engine.push(asked("a", 0, 1))
    assert again == [Pushed(id=id, replayed=True) for id in ids]
