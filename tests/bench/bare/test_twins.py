"""A bare store leaves what its engine would have left, so that both did the same work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from penstock.bench.bare import Bare, Twin, twin_of
from penstock.engine import Ack, Engine, JobFilter, Want
from penstock.errors import EngineError
from penstock.job import Counts, Job, JobId, NewJob, QueueKey, State
from penstock.settings import StoreSettings
from tests.bench.stores import ENGINES, opened, settings_of

pytest_plugins = ["tests.servers.fixtures", "tests.servers.redis"]

OURS = QueueKey("here", "ours")
BARE = QueueKey("here", "bare")
SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=ENGINES)
def beside(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """A store of each engine that has a twin; nobody opens it."""
    return settings_of(request, tmp_path)


@pytest.fixture
def twin(beside: StoreSettings) -> Twin:
    found = twin_of(beside)
    assert found is not None
    return found


@pytest.fixture
async def settings(beside: StoreSettings, twin: Twin) -> AsyncIterator[StoreSettings]:
    async with twin.own_store(beside) as own:
        yield own


@pytest.fixture
async def engine(settings: StoreSettings) -> AsyncIterator[Engine]:
    async with opened(settings) as found:
        yield found


@pytest.fixture
async def bare(engine: Engine, twin: Twin, settings: StoreSettings) -> AsyncIterator[Bare]:
    found = await twin.open_bare(settings)
    yield found
    await found.close()


def job(queue: QueueKey) -> NewJob:
    return NewJob(queue=queue, params='{"n":1}', priority=700)


def want(queue: QueueKey, limit: int) -> Want:
    return Want(queue=queue, limit=limit, ttl=timedelta(minutes=1))


async def counts_of(engine: Engine, queue: QueueKey) -> Counts:
    return (await engine.counts([queue]))[queue]


async def only_job(engine: Engine, queue: QueueKey) -> Job:
    [found] = await engine.list(JobFilter(domain=queue.domain, type=queue.type), limit=2)
    return found


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
    )


async def assert_equal(engine: Engine, state: State) -> None:
    ours, bare = await only_job(engine, OURS), await only_job(engine, BARE)
    assert ours.state is bare.state is state
    assert without_names_and_times(ours) == without_names_and_times(bare)
    assert await counts_of(engine, OURS) == await counts_of(engine, BARE)
    assert (await counts_of(engine, BARE)).conserved


async def is_gone(settings: StoreSettings) -> bool:
    """Whether there is no such store, or a new one where it was."""
    try:
        async with opened(settings) as engine:
            return not await engine.counts()
    except EngineError:
        return True


async def test_each_move_leaves_a_job_as_the_engine_does(engine: Engine, bare: Bare) -> None:
    await engine.push([job(OURS)])
    await bare.push([job(BARE)])
    await assert_equal(engine, State.READY)

    claimed = await engine.claim([want(OURS, 1)], "somebody")
    await bare.claim([want(BARE, 1)])
    await assert_equal(engine, State.CLAIMED)

    await engine.ack([Ack(ref=claim.ref, result="true") for claim in claimed.claims])
    await bare.ack()
    await assert_equal(engine, State.DONE)


async def test_ids_of_both_go_on_in_one_order(engine: Engine, bare: Bare) -> None:
    await bare.push([job(BARE)] * 3)
    [pushed] = await engine.push([job(OURS)])
    await bare.push([job(BARE)])

    found = await engine.list(JobFilter(domain="here"), limit=9)
    assert [each.queue for each in found] == [BARE, OURS, BARE, BARE, BARE]
    assert found[1].id == pushed.id


async def test_the_engine_serves_what_the_bare_store_pushed(engine: Engine, bare: Bare) -> None:
    await bare.push([job(BARE)] * 3)

    ready = await engine.ready(["bare"], limit=9)
    claimed = await engine.claim([want(BARE, 9)], "somebody")

    assert [each.queue for each in ready] == [BARE]
    assert [each.job.params for each in claimed.claims] == ['{"n":1}'] * 3


async def test_a_claim_takes_of_each_queue_what_is_wanted(engine: Engine, bare: Bare) -> None:
    await engine.push([job(OURS)] * 5 + [job(BARE)] * 5)

    await bare.claim([want(OURS, 2), want(BARE, 9)])

    ours, its = await counts_of(engine, OURS), await counts_of(engine, BARE)
    assert (ours.claimed, ours.ready) == (2, 3)
    assert (its.claimed, its.ready) == (5, 0)


async def test_what_is_claimed_is_ended_whatever_its_number(engine: Engine, bare: Bare) -> None:
    await bare.push([job(BARE)] * 250)

    await bare.claim([want(BARE, 200)])
    await bare.ack()

    counts = await counts_of(engine, BARE)
    assert (counts.ready, counts.claimed, counts.done) == (50, 0, 200)


async def test_a_claim_of_nothing_holds_nothing(engine: Engine, bare: Bare) -> None:
    await bare.claim([want(BARE, 3)])
    await bare.ack()

    await engine.push([job(BARE)])
    counts = await counts_of(engine, BARE)
    assert (counts.ready, counts.claimed, counts.done) == (1, 0, 0)


async def test_every_call_says_how_long_it_took(bare: Bare) -> None:
    for took in (
        await bare.push([job(BARE)]),
        await bare.claim([want(BARE, 1)]),
        await bare.ack(),
    ):
        assert timedelta(0) < took < timedelta(minutes=1)


async def test_it_knows_its_version(bare: Bare) -> None:
    assert any(letter.isdigit() for letter in bare.version)


async def test_closing_leaves_a_call_that_was_given_up_done_or_undone(
    engine: Engine, bare: Bare
) -> None:
    call = asyncio.ensure_future(bare.push([job(BARE)] * 2000))
    await asyncio.sleep(0)
    call.cancel()

    await bare.close()

    assert (await counts_of(engine, BARE)).ready in {0, 2000}


async def test_two_stores_of_ones_own_do_not_meet(
    beside: StoreSettings, settings: StoreSettings, engine: Engine, twin: Twin
) -> None:
    await engine.push([job(OURS)])

    async with twin.own_store(beside) as other, opened(other) as second:
        assert await second.counts() == {}

    assert (await counts_of(engine, OURS)).ready == 1


async def test_a_store_of_ones_own_is_gone_after_a_failure(
    beside: StoreSettings, twin: Twin
) -> None:
    async def fails() -> None:
        async with twin.own_store(beside) as own, opened(own) as engine:
            urls.append(own)
            await engine.push([job(OURS)])
            raise ZeroDivisionError

    urls: list[StoreSettings] = []

    with pytest.raises(ZeroDivisionError):
        await fails()

    assert await is_gone(urls[0])


async def test_an_engine_without_a_twin_has_none() -> None:
    assert twin_of(StoreSettings(url="memory://")) is None
    assert twin_of(StoreSettings(url="nosuch://x")) is None
    assert twin_of(StoreSettings(partitions={"east": 1})) is None
