"""The bare store leaves what the engine would have left, so that both did the same work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from penstock.bench.bare import open_bare
from penstock.bench.bare.sqlite import SqliteBare
from penstock.engine import Ack, Want
from penstock.engines.sqlite import SqliteEngine
from penstock.job import Job, JobId, NewJob, QueueKey, State

OURS = QueueKey("here", "ours")
BARE = QueueKey("here", "bare")
SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(f"sqlite:///{tmp_path}/store.db")
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def bare(engine: SqliteEngine, tmp_path: Path) -> AsyncIterator[SqliteBare]:
    found = await open_bare(f"sqlite:///{tmp_path}/store.db")
    assert isinstance(found, SqliteBare)
    yield found
    await found.close()


def job(queue: QueueKey) -> NewJob:
    return NewJob(queue=queue, params='{"n":1}', priority=700)


def want(queue: QueueKey, limit: int) -> Want:
    return Want(queue=queue, limit=limit, ttl=timedelta(minutes=1))


async def jobs_of(engine: SqliteEngine, *ids: int) -> list[Job]:
    found = await engine.get([JobId(id) for id in ids])
    return [job for job in found if job is not None]


def without_names_and_times(job: Job) -> Job:
    """What must be equal in a job of ours and one of the bare store."""
    return replace(
        job,
        id=JobId(0),
        queue=OURS,
        pushed_at=SOMETIME,
        claimed_at=job.claimed_at and SOMETIME,
        finished_at=job.finished_at and SOMETIME,
        worker=job.worker and "somebody",
        result=None,
    )


async def assert_equal(engine: SqliteEngine, ours: int, bare: int, state: State) -> None:
    one, other = await jobs_of(engine, ours, bare)
    assert one.state is other.state is state
    assert without_names_and_times(one) == without_names_and_times(other)
    counts = await engine.counts()
    assert counts[OURS] == counts[BARE]
    assert counts[BARE].conserved


async def test_each_move_leaves_a_job_as_the_engine_does(
    engine: SqliteEngine, bare: SqliteBare
) -> None:
    await engine.push([job(OURS)])
    await bare.push([job(BARE)])
    await assert_equal(engine, 1, 2, State.READY)

    claimed = await engine.claim([want(OURS, 1)], "somebody")
    await bare.claim([want(BARE, 1)])
    await assert_equal(engine, 1, 2, State.CLAIMED)

    await engine.ack([Ack(ref=claim.ref) for claim in claimed.claims])
    await bare.ack()
    await assert_equal(engine, 1, 2, State.DONE)


async def test_ids_go_on_in_the_same_order(engine: SqliteEngine, bare: SqliteBare) -> None:
    await bare.push([job(BARE)] * 3)
    [pushed] = await engine.push([job(OURS)])
    await bare.push([job(BARE)])

    assert pushed.id == 4
    assert [each.id for each in await jobs_of(engine, 1, 2, 3, 4, 5, 6)] == [1, 2, 3, 4, 5]


async def test_a_claim_takes_of_each_queue_what_is_wanted(
    engine: SqliteEngine, bare: SqliteBare
) -> None:
    await engine.push([job(OURS)] * 5 + [job(BARE)] * 5)

    await bare.claim([want(OURS, 2), want(BARE, 9)])

    counts = await engine.counts()
    assert (counts[OURS].claimed, counts[OURS].ready) == (2, 3)
    assert (counts[BARE].claimed, counts[BARE].ready) == (5, 0)


async def test_a_claim_of_nothing_holds_nothing(engine: SqliteEngine, bare: SqliteBare) -> None:
    await bare.claim([want(BARE, 3)])
    await bare.ack()

    await engine.push([job(BARE)])
    [counts] = (await engine.counts()).values()
    assert (counts.ready, counts.claimed, counts.done) == (1, 0, 0)


async def test_every_call_says_how_long_it_took(engine: SqliteEngine, bare: SqliteBare) -> None:
    for took in (
        await bare.push([job(BARE)]),
        await bare.claim([want(BARE, 1)]),
        await bare.ack(),
    ):
        assert timedelta(0) < took < timedelta(minutes=1)


async def test_it_knows_its_version_and_the_room_on_its_disk(bare: SqliteBare) -> None:
    assert bare.version.startswith("SQLite 3.")
    assert bare.room() > 0


async def test_closing_waits_for_a_call_that_was_given_up(
    engine: SqliteEngine, bare: SqliteBare
) -> None:
    call = asyncio.ensure_future(bare.push([job(BARE)] * 2000))
    await asyncio.sleep(0)
    call.cancel()

    await bare.close()

    counts = (await engine.counts()).get(BARE)
    assert counts is None or counts.ready in {0, 2000}


async def test_an_engine_without_a_twin_has_none() -> None:
    assert await open_bare("memory://") is None
    assert await open_bare("../sqlite:///x") is None
