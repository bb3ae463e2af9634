# long: whatever two sessions may want at once
"""Sessions that want the same at once; most often one of them stands still between its statement and its commit."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from penstock.conformance.builders import (
    HOUR,
    NOTHING,
    OTHER,
    TTL,
    assert_conserved,
    claimed_job,
    claims,
    counts_of,
    deadline,
    expire,
    job,
    jobs,
    key,
    names,
    push,
    push_one,
    read,
    root,
    state_of,
    want,
)
from penstock.engine import (
    CONFLICT,
    WHOLE_BATCH,
    Ack,
    Cancel,
    CancelAnswer,
    Engine,
    Promoted,
    Want,
)
from penstock.engines.postgresql import arguments
from penstock.engines.postgresql.connection import Transaction
from penstock.job import Claim, Counts, NewJob, State
from tests.engines.postgresql.harness import PostgresqlHarness

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

_T = TypeVar("_T")


@asynccontextmanager
async def halfway(
    harness: PostgresqlHarness, verb: str, **parameters: object
) -> AsyncIterator[None]:
    """Inside, the statement has done its work; its commit comes at the end. Nothing inside may wait for it."""
    done, leave = asyncio.Event(), asyncio.Event()

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(verb, **parameters)
        done.set()
        await leave.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(harness.engine._database.together(work))
        try:
            async with deadline():
                await done.wait()
                yield
        finally:
            leave.set()


@asynccontextmanager
async def pushing(harness: PostgresqlHarness, *new: NewJob) -> AsyncIterator[None]:
    async with halfway(harness, "push", **arguments.of_jobs(new)):
        yield


@asynccontextmanager
async def claiming(harness: PostgresqlHarness, *wants: Want) -> AsyncIterator[None]:
    parameters = {
        "worker": "slow",
        "whole_batch": WHOLE_BATCH,
        "since": 0,
        **arguments.of_wants(wants),
    }
    async with halfway(harness, "claim", **parameters):
        yield


async def test_a_claim_passes_by_what_another_session_is_claiming(
    harness: PostgresqlHarness,
) -> None:
    await push(harness.engine, *jobs("a", "b", "c"))
    other = await harness.second()

    async with claiming(harness, want(limit=2)):
        assert names(await claims(other)) == ["c"]

    assert await counts_of(other) == Counts(claimed=3, pushed=3)
    await assert_conserved(other)


async def test_sessions_that_claim_at_once_never_get_the_same_job(
    harness: PostgresqlHarness,
) -> None:
    engines = [harness.engine, await harness.second(), await harness.second()]
    ids = await push(harness.engine, *jobs(*map(str, range(600))))

    shares = await asyncio.gather(*(_drain(engine) for engine in engines * 2))

    given = Counter(held.job.id for share in shares for held in share)
    assert given == Counter(ids)
    assert sum(map(bool, shares)) > 1, "one session got everything: nothing was raced for"
    assert {held.job.fence for share in shares for held in share} == {1}
    await assert_conserved(harness.engine)


async def test_equal_jobs_that_are_pushed_at_once_are_one(harness: PostgresqlHarness) -> None:
    other = await harness.second()

    async with pushing(harness, job("first", dedupe_key="k", priority=1)):
        late = await harness.held_up(other.push([job("late", dedupe_key="k", priority=9)]))
    [pushed] = await late

    assert pushed.deduplicated
    assert (await read(other, pushed.id)).priority == 9
    assert names(await claims(other)) == ["first"]
    await assert_conserved(other)


async def test_a_duplicate_of_a_job_that_is_being_claimed_is_stored(
    harness: PostgresqlHarness,
) -> None:
    first = await push_one(harness.engine, job(dedupe_key="k"))
    other = await harness.second()

    async with claiming(harness, want()):
        late = await harness.held_up(other.push([job("late", dedupe_key="k")]))
    [pushed] = await late

    assert (pushed.deduplicated, pushed.id != first) == (False, True)
    assert await counts_of(other) == Counts(claimed=1, ready=1, pushed=2)
    await assert_conserved(other)


async def test_batches_with_the_same_keys_in_other_orders_do_not_fail(
    harness: PostgresqlHarness,
) -> None:
    engines = [harness.engine, await harness.second(), await harness.second()]
    batch = [
        job(str(n), dedupe_key=f"key {n % 20}", root=root(n, f"family {n % 7}")) for n in range(60)
    ]

    answers = await asyncio.gather(
        *(engine.push(order) for engine in engines * 5 for order in (batch, batch[::-1]))
    )

    stored = [pushed for answer in answers for pushed in answer if not pushed.deduplicated]
    assert len(stored) == len({pushed.id for answer in answers for pushed in answer}) == 20
    await assert_conserved(harness.engine)


async def test_pushes_with_one_idempotency_key_at_once_are_one(harness: PostgresqlHarness) -> None:
    other = await harness.second()

    async with pushing(harness, job("first", idempotency=key())):
        late = await harness.held_up(other.push([job("late", idempotency=key()), job("beside")]))
    [replayed, beside] = await late

    assert (replayed.replayed, beside.replayed) == (True, False)
    assert names(await claims(other)) == ["first", "beside"]
    await assert_conserved(other)


async def test_of_two_pushes_under_one_key_at_once_the_later_falls_as_a_whole(
    harness: PostgresqlHarness,
) -> None:
    other = await harness.second()
    late = [job("late", idempotency=key(fingerprint="late", item=item)) for item in (2, 1, 0)]

    async with pushing(harness, job("first", idempotency=key())):
        waiting = await harness.held_up(other.push([*late, job("beside")]))
    answers = await waiting

    assert answers[:3] == [CONFLICT] * 3
    assert names(await claims(other)) == ["first", "beside"]
    await assert_conserved(other)


async def test_the_newer_of_two_roots_that_are_registered_at_once_stays(
    harness: PostgresqlHarness,
) -> None:
    other = await harness.second()

    async with pushing(harness, job("new", root=root(2))):
        late = await harness.held_up(push(other, job("old", root=root(1))))
    await late

    assert names(await claims(other)) == ["new"]
    await assert_conserved(other)


async def test_a_queue_may_be_used_for_the_first_time_by_two_at_once(
    harness: PostgresqlHarness,
) -> None:
    other = await harness.second()

    async with pushing(harness, job("a")):
        late = await harness.held_up(push(other, job("b"), job("c", queue=OTHER)))
    await late

    assert names(await claims(other)) == ["a", "b"]
    assert names(await claims(other, want(OTHER))) == ["c"]
    await assert_conserved(other)


async def test_a_job_that_is_being_claimed_is_asked_to_cancel(harness: PostgresqlHarness) -> None:
    id = await push_one(harness.engine, job())
    other = await harness.second()

    async with claiming(harness, want()):
        late = await harness.held_up(other.cancel([Cancel(id=id)]))

    assert await late == [CancelAnswer.ASKED]
    assert (await read(other, id)).cancel_requested
    await assert_conserved(other)


async def test_a_job_that_is_being_released_is_cancelled(harness: PostgresqlHarness) -> None:
    held = await claimed_job(harness.engine)
    other = await harness.second()

    async with halfway(harness, "release", **arguments.of_claims([held.ref]), afters=[NOTHING]):
        late = await harness.held_up(other.cancel([Cancel(id=held.job.id)]))

    assert await late == [CancelAnswer.CANCELLED]
    assert await state_of(other, held.job.id) is State.CANCELLED
    await assert_conserved(other)


async def test_a_claim_that_is_being_acked_is_not_reclaimed(harness: PostgresqlHarness) -> None:
    held = await claimed_job(harness.engine)
    await expire(harness)
    other = await harness.second()
    ends = [Ack(ref=held.ref)]

    async with halfway(
        harness, "ack", **arguments.of_claims([held.ref]), **arguments.of_ends(ends)
    ):
        assert (await other.reclaim(10, ttl=TTL, worker="upkeep")).readied == 0

    assert await state_of(other, held.job.id) is State.DONE
    await assert_conserved(other)


async def test_an_ack_of_a_claim_that_is_being_reclaimed_does_nothing(
    harness: PostgresqlHarness,
) -> None:
    held = await claimed_job(harness.engine)
    await expire(harness)
    other = await harness.second()

    async with halfway(harness, "reclaim", limit=10, ttl=TTL, worker="upkeep"):
        late = await harness.held_up(other.ack([Ack(ref=held.ref)]))

    assert await late == [False]
    assert await state_of(other, held.job.id) is State.READY
    await assert_conserved(other)


async def test_an_ack_of_a_claim_that_is_being_handed_over_does_nothing(
    harness: PostgresqlHarness,
) -> None:
    held = await claimed_job(harness.engine, job(max_attempts=1))
    await expire(harness)
    other = await harness.second()

    async with halfway(harness, "reclaim", limit=10, ttl=TTL, worker="upkeep"):
        late = await harness.held_up(other.ack([Ack(ref=held.ref)]))

    assert await late == [False]
    assert (await read(other, held.job.id)).worker == "upkeep"
    await assert_conserved(other)


async def test_a_job_is_promoted_by_one_of_two(harness: PostgresqlHarness) -> None:
    await push(harness.engine, job("a", delay=HOUR))
    await harness.age(2 * HOUR)
    other = await harness.second()

    async with halfway(harness, "promote", limit=10):
        assert await other.promote(10) == Promoted(0, NOTHING)

    assert await counts_of(other) == Counts(ready=1, pushed=1)
    await assert_conserved(other)


async def _drain(engine: Engine) -> list[Claim]:
    found: list[Claim] = []
    while given := await claims(engine, want(limit=7)):
        found += given
    return found
