"""Pushes that come in while others are under way share a commit, and nothing but that."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from penstock.engine import Feature, Pushed
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineError, EngineUnavailable
from penstock.group.pushes import FEW, LARGE, UNDER_WAY, Pushes
from penstock.job import Idempotency, JobId, NewJob, QueueKey, Root

JOB = NewJob(queue=QueueKey("default", "mail"))
REFUSED = replace(JOB, params='{"refused":1}')


class Gated(MemoryEngine):
    """Commits when the gate is open, and remembers how many jobs each commit had."""

    def __init__(self) -> None:
        super().__init__("memory://")
        self.gate = asyncio.Event()
        self.commits: list[int] = []
        self.away = False
        self.broken = False

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """As memory does, but not before the gate is open."""
        self.commits.append(len(jobs))
        await self.gate.wait()
        if self.away:
            raise EngineUnavailable("away")
        if self.broken:
            raise ZeroDivisionError
        if REFUSED in jobs:
            raise EngineError("does not take it")
        return await super().push(jobs)


@pytest.fixture
async def engine() -> Gated:
    made = Gated()
    await made.open()
    return made


@pytest.fixture
async def pushes(engine: Gated) -> Pushes:
    """Pushes that know the queue, behind a closed gate."""
    return await knowing(engine)


async def knowing(engine: Gated) -> Pushes:
    """Pushes to this engine that have used the queue before."""
    made = Pushes(engine)
    engine.gate.set()
    await made.push([JOB])
    engine.gate.clear()
    engine.commits.clear()
    return made


async def begun(pushes: Pushes, *calls: Sequence[NewJob]) -> list[asyncio.Task[Sequence[Pushed]]]:
    """The calls, in this order, as far as they go while the gate is closed."""
    tasks = [asyncio.ensure_future(pushes.push(jobs)) for jobs in calls]
    await asyncio.sleep(0)
    return tasks


async def test_a_push_by_itself_goes_at_once(engine: Gated, pushes: Pushes) -> None:
    engine.gate.set()

    [pushed] = await pushes.push([JOB])

    assert pushed.id == 2
    assert engine.commits == [1]


async def test_what_comes_in_meanwhile_goes_together(engine: Gated, pushes: Pushes) -> None:
    first = await begun(pushes, *[[JOB]] * UNDER_WAY)
    later = await begun(pushes, [JOB], [JOB, JOB], [JOB])

    engine.gate.set()
    await asyncio.gather(*first)
    answers = await asyncio.gather(*later)

    assert engine.commits == [*[1] * UNDER_WAY, 4]
    assert [len(answer) for answer in answers] == [1, 2, 1]
    ids = {each.id for answer in answers for each in answer}
    assert ids == {JobId(UNDER_WAY + number) for number in range(2, 6)}


async def test_each_caller_is_answered_with_his_own_jobs(engine: Gated, pushes: Pushes) -> None:
    mine = replace(JOB, params='{"mine":1}')
    await begun(pushes, *[[JOB]] * UNDER_WAY)
    _, call, _ = await begun(pushes, [JOB], [mine], [JOB])

    engine.gate.set()
    [pushed] = await call

    [job] = await engine.get([pushed.id])
    assert job is not None
    assert job.params == mine.params


@pytest.mark.parametrize(
    "asking",
    [
        replace(JOB, queue=QueueKey("default", "new")),
        replace(JOB, dedupe_key="key"),
        replace(JOB, root=Root(signature="family", timestamp=datetime(2026, 1, 1, tzinfo=UTC))),
        replace(JOB, idempotency=Idempotency(key="key", fingerprint="print")),
        replace(JOB, params='"' + "x" * LARGE + '"'),
    ],
)
async def test_what_asks_for_more_or_is_large_goes_by_itself(
    asking: NewJob, engine: Gated, pushes: Pushes
) -> None:
    await begun(pushes, *[[JOB]] * UNDER_WAY)

    await begun(pushes, [asking], [JOB, asking], [JOB] * (FEW + 1))

    assert engine.commits == [*[1] * UNDER_WAY, 1, 2, FEW + 1]
    engine.gate.set()


async def test_large_ones_do_not_go_in_one_commit(engine: Gated, pushes: Pushes) -> None:
    half = replace(JOB, params='"' + "x" * (LARGE // 2) + '"')
    await begun(pushes, *[[JOB]] * UNDER_WAY)
    calls = await begun(pushes, [half], [half], [half])

    engine.gate.set()
    await asyncio.gather(*calls)

    assert engine.commits == [*[1] * UNDER_WAY, 1, 1, 1]


async def test_what_the_store_refuses_fails_nobody_else(engine: Gated, pushes: Pushes) -> None:
    await begun(pushes, *[[JOB]] * UNDER_WAY)
    one, bad, other = await begun(pushes, [JOB], [REFUSED], [JOB])

    engine.gate.set()

    assert len(await one) == len(await other) == 1
    with pytest.raises(EngineError, match="does not take it"):
        await bad


async def test_where_a_push_is_not_one_commit_a_refusal_is_told_to_all() -> None:
    class Loose(Gated):
        features = Gated.features - {Feature.ATOMIC}

    engine = Loose()
    pushes = await knowing(engine)
    first = await begun(pushes, *[[JOB]] * UNDER_WAY)
    later = await begun(pushes, [JOB], [REFUSED])

    engine.gate.set()
    await asyncio.gather(*first)

    for call in later:
        with pytest.raises(EngineError, match="does not take it"):
            await call
    assert engine.commits == [*[1] * UNDER_WAY, 2]


async def test_a_store_that_is_away_is_told_to_all_and_asked_once(
    engine: Gated, pushes: Pushes
) -> None:
    first = await begun(pushes, *[[JOB]] * UNDER_WAY)
    later = await begun(pushes, [JOB], [JOB])

    engine.away = True
    engine.gate.set()

    for call in (*first, *later):
        with pytest.raises(EngineUnavailable):
            await call
    assert engine.commits == [*[1] * UNDER_WAY, 2]


async def test_after_trouble_it_goes_on(engine: Gated, pushes: Pushes) -> None:
    engine.away = True
    engine.gate.set()
    with pytest.raises(EngineUnavailable):
        await pushes.push([JOB])

    engine.away = False
    await asyncio.gather(*[pushes.push([JOB]) for _ in range(9)])

    counts = await engine.counts()
    assert counts[JOB.queue].pushed == 10


async def test_who_gives_up_takes_nobody_with_him(engine: Gated, pushes: Pushes) -> None:
    first = await begun(pushes, *[[JOB]] * UNDER_WAY)
    given_up, waiting, stays = await begun(pushes, [JOB], [JOB], [JOB])
    waiting.cancel()
    for call in first:
        call.cancel()
    await asyncio.wait([*first, waiting])
    given_up.cancel()
    await asyncio.wait([given_up])

    engine.gate.set()

    assert len(await stays) == 1
    assert engine.commits == [*[1] * UNDER_WAY, 2]


async def test_an_error_of_ours_is_told_to_all(engine: Gated, pushes: Pushes) -> None:
    calls = await begun(pushes, *[[JOB]] * (UNDER_WAY + 2))

    engine.broken = True
    engine.gate.set()

    for call in calls:
        with pytest.raises(ZeroDivisionError):
            await call
