"""Processes that want the same at once, and one that dies with all it held. Those on SQLite are among its own tests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from penstock.conformance.builders import (
    HOUR,
    MANY,
    MINUTE,
    OTHER,
    QUEUE,
    SECOND,
    TTL,
    WORKER,
    assert_conserved,
    claim,
    claims,
    counts_of,
    job,
    jobs,
    names,
    push,
    root,
    want,
)
from penstock.engine import Bury, Engine, Reclaimed
from penstock.job import Counts, JobId
from tests.engines.failures.child import EQUAL, NEWEST
from tests.engines.failures.children import Child, child
from tests.engines.failures.stores import Store

TOGETHER = 2
JOBS = [str(number) for number in range(600)]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
async def direct(store: Store) -> AsyncIterator[Engine]:
    """An engine, open, of this process."""
    made = store.engine()
    await made.open()
    yield made
    await made.close()


async def together(store: Store, what: str) -> list[list[str]]:
    """What several processes say that do this at the same time."""
    async with AsyncExitStack() as stack:
        starting = (child(what, store, f"process {number}") for number in range(TOGETHER))
        made: list[Child] = await asyncio.gather(*map(stack.enter_async_context, starting))
        for each in made:
            each.begin()
        return await asyncio.gather(*(each.ended() for each in made))


async def test_each_job_is_done_by_one_of_them(store: Store, direct: Engine) -> None:
    ids = await push(direct, *jobs(*JOBS))

    shares = await together(store, "drain")

    assert Counter(id for share in shares for id in share) == Counter(map(str, ids))
    assert sum(map(bool, shares)) > 1, "one process got everything: nothing was raced for"
    assert await counts_of(direct) == Counts(done=len(JOBS), pushed=len(JOBS))
    await assert_conserved(direct)


async def test_keys_roots_and_pauses_of_all_of_them_meet(store: Store, direct: Engine) -> None:
    shares = await together(store, "meet")

    stored = [id for share in shares for id in share]
    assert len(stored) == len(set(stored)) == EQUAL
    assert await counts_of(direct) == Counts(ready=EQUAL, pushed=EQUAL)
    assert await direct.paused() == {QUEUE}
    assert await claims(direct) == []
    older, newest = job("older", root=root(NEWEST - 1)), job("newest", root=root(NEWEST))
    await direct.delete([JobId(int(id)) for id in stored])
    await push(direct, older, newest)
    await direct.resume([QUEUE])
    claimed = await claim(direct)
    assert (names(claimed.claims), claimed.superseded) == (["newest"], 1)
    await assert_conserved(direct)


async def test_of_several_upkeeps_each_job_is_moved_by_one(store: Store, direct: Engine) -> None:
    await push(direct, *jobs(*JOBS))
    await claims(direct, want(ttl=SECOND))
    await push(direct, *(job(name, queue=OTHER, delay=SECOND) for name in JOBS))
    last = await push(direct, *(job(name, max_attempts=1) for name in JOBS[:50]))
    await direct.claim_ids(last, ttl=SECOND, worker=WORKER)
    await store.age(MINUTE)

    said = await together(store, "keep_up")

    moved = Counter[str]()
    for line in (line for lines in said for line in lines):
        what, _, number = line.partition(" ")
        moved[what if what != "last" else line] += int(number) if what != "last" else 1
    assert (moved.pop("readied"), moved.pop("promoted")) == (len(JOBS), len(JOBS))
    assert moved == {f"last {id}": 1 for id in last}
    assert await counts_of(direct, OTHER) == Counts(ready=len(JOBS), pushed=len(JOBS))
    await assert_conserved(direct)


async def test_the_jobs_of_a_process_that_was_killed_run_again_until_their_attempts_are_spent(
    store: Store, direct: Engine
) -> None:
    await push(direct, *(job(name, max_attempts=2) for name in JOBS[:10]))

    async def die() -> Reclaimed:
        async with child("die_with_claims", store) as dying:
            dying.begin()
            assert await dying.died() == ["10"]
        assert await claims(direct) == []
        await store.age(HOUR)
        return await direct.reclaim(MANY, ttl=TTL, worker=WORKER)

    assert await die() == Reclaimed(10, [])
    reclaimed = await die()

    assert reclaimed.readied == 0
    assert {held.job.attempt for held in reclaimed.last} == {2}
    assert all(await direct.bury([Bury(ref=held.ref, error="lost") for held in reclaimed.last]))
    assert await counts_of(direct) == Counts(dead=10, pushed=10)
    await assert_conserved(direct)
