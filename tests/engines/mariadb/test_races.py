"""Sessions and processes that want the same at once; some of them stand still before their commit."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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
    names,
    push,
    push_one,
    read,
    root,
    state_of,
    want,
)
from penstock.engine import Ack, Cancel, CancelAnswer, Engine, Promoted
from penstock.engines.mariadb.address import address_of
from penstock.engines.mariadb.moves import claim, ends, upkeep
from penstock.engines.mariadb.moves import push as pushing
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Call
from penstock.job import Claim, Counts, State
from tests.engines.mariadb.harness import MariadbHarness

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mariadb")]


class SlowSession(Session):
    """A session that keeps its commit to itself."""

    def run(self, *calls: Call) -> "list[list[tuple[object, ...]]]":
        kept = [
            each for each in calls if each.step.name not in {"transaction.commit", "claim.commit"}
        ]
        return [list(rows) for rows in super().run(*kept)]


@asynccontextmanager
async def halfway(
    harness: MariadbHarness, work: Callable[[Session], object]
) -> AsyncIterator[None]:
    """Inside, the work is done but for its commit, which comes at the end. Nothing inside may wait for it."""
    session = await asyncio.to_thread(SlowSession, address_of(harness.url))
    try:
        await asyncio.to_thread(session.prepare)
        await asyncio.to_thread(work, session)
        async with deadline():
            yield
        await asyncio.to_thread(session.execute, "commit")
    finally:
        session.close()


async def test_a_claim_passes_by_what_another_session_is_claiming(harness: MariadbHarness) -> None:
    await push(harness.engine, *jobs("a", "b", "c"))

    async with halfway(
        harness, lambda session: claim.claim(session, [want(limit=2)], "slow", Numbers())
    ):
        assert names(await claims(harness.engine)) == ["c"]

    assert await counts_of(harness.engine) == Counts(claimed=3, pushed=3)
    await assert_conserved(harness.engine)


async def test_sessions_that_claim_at_once_never_get_the_same_job(harness: MariadbHarness) -> None:
    engines = [harness.engine, await harness.second(), await harness.second()]
    ids = await push(harness.engine, *jobs(*map(str, range(600))))

    shares = await asyncio.gather(*(_drain(engine) for engine in engines * 2))

    given = Counter(held.job.id for share in shares for held in share)
    assert given == Counter(ids)
    assert sum(map(bool, shares)) > 1, "one session got everything: nothing was raced for"
    assert {held.job.fence for share in shares for held in share} == {1}
    await assert_conserved(harness.engine)


async def test_equal_jobs_that_are_pushed_at_once_are_one(harness: MariadbHarness) -> None:
    first = [job("first", dedupe_key="k", priority=1)]

    async with halfway(harness, lambda session: pushing.push(session, first, Numbers())):
        late = await harness.held_up(harness.engine.push([job("late", dedupe_key="k", priority=9)]))
    [pushed] = await late

    assert pushed.deduplicated
    assert (await read(harness.engine, pushed.id)).priority == 9
    assert names(await claims(harness.engine)) == ["first"]
    await assert_conserved(harness.engine)


async def test_a_duplicate_of_a_job_that_is_being_claimed_is_stored(
    harness: MariadbHarness,
) -> None:
    first = await push_one(harness.engine, job(dedupe_key="k"))

    async with halfway(harness, lambda session: claim.claim(session, [want()], "slow", Numbers())):
        late = await harness.held_up(harness.engine.push([job("late", dedupe_key="k")]))
    [pushed] = await late

    assert (pushed.deduplicated, pushed.id != first) == (False, True)
    assert await counts_of(harness.engine) == Counts(claimed=1, ready=1, pushed=2)
    await assert_conserved(harness.engine)


async def test_duplicates_that_raise_what_others_claim_end_well(harness: MariadbHarness) -> None:
    engines = [harness.engine, await harness.second(), await harness.second()]
    batch = [job(str(n), dedupe_key=f"key {n % 10}") for n in range(20)]

    async def push_on(engine: Engine, first: int) -> None:
        for priority in range(first, first + 15):
            await engine.push([job(dedupe_key=f"key {n}", priority=priority) for n in range(10)])
            await engine.push(batch[:: (-1) ** priority])

    async with deadline(30):
        await asyncio.gather(
            *(push_on(engine, 100 * n) for n, engine in enumerate(engines)),
            *(_work(engine, rounds=20) for engine in engines),
        )

    await assert_conserved(harness.engine)


async def test_batches_with_the_same_keys_in_other_orders_do_not_fail(
    harness: MariadbHarness,
) -> None:
    engines = [harness.engine, await harness.second(), await harness.second()]
    batch = [
        job(str(n), dedupe_key=f"key {n % 20}", root=root(n, f"family {n % 7}")) for n in range(60)
    ]

    answers = await asyncio.gather(
        *(engine.push(order) for engine in engines * 3 for order in (batch, batch[::-1]))
    )

    stored = [pushed for answer in answers for pushed in answer if not pushed.deduplicated]
    assert len(stored) == len({pushed.id for answer in answers for pushed in answer}) == 20
    await assert_conserved(harness.engine)


async def test_a_cancel_of_a_job_that_is_being_claimed_asks_its_holder(
    harness: MariadbHarness,
) -> None:
    id = await push_one(harness.engine, job())

    async with halfway(harness, lambda session: claim.claim(session, [want()], "slow", Numbers())):
        late = await harness.held_up(harness.engine.cancel([Cancel(id=id)]))

    assert await late == [CancelAnswer.ASKED]
    assert (await read(harness.engine, id)).cancel_requested
    await assert_conserved(harness.engine)


async def test_a_cancel_of_a_job_that_is_being_promoted_ends_it(harness: MariadbHarness) -> None:
    id = await push_one(harness.engine, job(delay=HOUR))
    await harness.age(2 * HOUR)

    async with halfway(harness, lambda session: upkeep.promote(session, 10)):
        late = await harness.held_up(harness.engine.cancel([Cancel(id=id)]))

    assert await late == [CancelAnswer.CANCELLED]
    assert await state_of(harness.engine, id) is State.CANCELLED
    await assert_conserved(harness.engine)


async def test_a_claim_that_is_being_acked_is_not_reclaimed(harness: MariadbHarness) -> None:
    held = await claimed_job(harness.engine)
    await expire(harness)
    acks = [Ack(ref=held.ref)]

    async with halfway(harness, lambda session: ends.ack(session, acks, Numbers())):
        assert (await harness.engine.reclaim(10, ttl=TTL, worker="upkeep")).readied == 0

    assert await state_of(harness.engine, held.job.id) is State.DONE
    await assert_conserved(harness.engine)


@pytest.mark.parametrize("attempts", [1, 2])
async def test_an_ack_of_a_claim_that_is_being_reclaimed_does_nothing(
    attempts: int, harness: MariadbHarness
) -> None:
    held = await claimed_job(harness.engine, job(max_attempts=attempts))
    await expire(harness)

    async with halfway(
        harness, lambda session: upkeep.reclaim(session, 10, ttl=TTL, worker="upkeep")
    ):
        late = await harness.held_up(harness.engine.ack([Ack(ref=held.ref)]))

    assert await late == [False]
    standing = await read(harness.engine, held.job.id)
    assert standing.state is (State.CLAIMED if attempts == 1 else State.READY)
    await assert_conserved(harness.engine)


async def test_a_job_is_promoted_by_one_of_two(harness: MariadbHarness) -> None:
    await push(harness.engine, job("a", delay=HOUR))
    await harness.age(2 * HOUR)

    async with halfway(harness, lambda session: upkeep.promote(session, 10)):
        assert await harness.engine.promote(10) == Promoted(0, NOTHING)

    assert await counts_of(harness.engine) == Counts(ready=1, pushed=1)
    await assert_conserved(harness.engine)


async def test_a_push_into_another_queue_waits_for_nobody(harness: MariadbHarness) -> None:
    await push(harness.engine, *jobs("a", "b"))

    async with halfway(harness, lambda session: claim.claim(session, [want()], "slow", Numbers())):
        await push(harness.engine, job("c", queue=OTHER), job("d"))
        assert names(await claims(harness.engine, want(OTHER), want())) == ["c", "d"]

    await assert_conserved(harness.engine)


async def test_another_process_is_woken_by_a_push(harness: MariadbHarness) -> None:
    other = await harness.second()
    while await other.wait(NOTHING):
        pass
    waiting = asyncio.create_task(other.wait(HOUR))
    await asyncio.sleep(0)

    await push(harness.engine, job())

    async with deadline():
        assert await waiting


async def _drain(engine: Engine) -> list[Claim]:
    found: list[Claim] = []
    while given := await claims(engine, want(limit=7)):
        found += given
    return found


async def _work(engine: Engine, rounds: int) -> None:
    for _ in range(rounds):
        given = await claims(engine, want(limit=7))
        await engine.ack([Ack(ref=held.ref) for held in given])
