"""Waiting for ready jobs: nobody misses any, however many wait in one process, and nothing is left of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from penstock.engine import Engine
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.errors import EngineUnavailable
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.group import waiting as module
from penstock.group.waiting import Pump, Waiter
from penstock.handler import Registry
from penstock.job import NewJob, QueueKey
from penstock.policy import Policies, Policy
from tests.installation import SOON

LONG = timedelta(seconds=30)
MOMENT = timedelta(milliseconds=10)
JOB = NewJob(queue=QueueKey("default", "mail"))


class Counting(MemoryEngine):
    """A store that counts who waits for it."""

    waits = at_once = most = 0

    async def wait(self, timeout: timedelta) -> bool:
        self.waits += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            return await super().wait(timeout)
        finally:
            self.at_once -= 1


class Away(MemoryEngine):
    """A store that cannot be waited for until it is told to come back."""

    def __init__(self, number: int = 0, error: Exception | None = None) -> None:
        super().__init__(number=number)
        self.error: Exception | None = error or EngineUnavailable("away")

    async def wait(self, timeout: timedelta) -> bool:
        if self.error is not None:
            raise self.error
        return await super().wait(timeout)


@pytest.fixture(params=["memory", "sqlite"])
async def engine(request: pytest.FixtureRequest, tmp_path: object) -> AsyncIterator[Engine]:
    """A store of each kind that can wake."""
    made: Engine = MemoryEngine()
    if request.param == "sqlite":
        made = SqliteEngine(f"sqlite:///{tmp_path}/store.db", look_every=timedelta(hours=1))
    await made.open()
    yield made
    await made.close()


@asynccontextmanager
async def waiting(waiter: Waiter) -> AsyncIterator["asyncio.Task[bool]"]:
    """A wait that has begun."""
    task = asyncio.create_task(waiter.wait(LONG))
    for _ in range(3):
        await asyncio.sleep(0)
    yield task
    task.cancel()
    await asyncio.wait({task})


async def told(task: "asyncio.Task[bool]") -> bool:
    async with asyncio.timeout(SOON):
        return await task


async def quiet(waiter: Waiter) -> None:
    """Nothing that happened before ends the next wait."""
    while await waiter.wait(MOMENT):
        pass


def group_of(*engines: Engine) -> QueueGroup:
    policies = Policies(Policy())
    stores = {str(n): Store(str(n), one, policies, Events()) for n, one in enumerate(engines)}
    return QueueGroup(stores, default="0", policies=policies, registry=Registry())


def federated_over(*engines: Engine) -> QueueGroup:
    """A group whose types live in a place that is spread over these."""
    policies, names = Policies(Policy()), [str(n) for n, _ in enumerate(engines)]
    wide = FederatedEngine(
        [Partition(name=n, engine=one, weight=1) for n, one in zip(names, engines, strict=True)]
    )
    stores = {n: Store(n, one, policies, Events()) for n, one in zip(names, engines, strict=True)}
    stores["wide"] = Store("wide", wide, policies, Events(), partitions=names)
    return QueueGroup(stores, default="wide", policies=policies, registry=Registry())


def tasks() -> int:
    return len(asyncio.all_tasks()) - 1


async def test_a_push_ends_the_waits_of_all_who_wait(engine: Engine) -> None:
    pump = Pump(engine.wait)
    one, two = Waiter([pump]), Waiter([pump])
    await quiet(one)
    await quiet(two)
    async with waiting(one) as first, waiting(two) as second:
        await engine.push([JOB])

        assert [await told(first), await told(second)] == [True, True]


async def test_who_was_at_work_when_others_were_woken_is_woken_at_his_next_wait(
    engine: Engine,
) -> None:
    pump = Pump(engine.wait)
    busy, idle = Waiter([pump]), Waiter([pump])
    await quiet(busy)
    await quiet(idle)
    async with waiting(idle) as other:
        await engine.push([JOB])
        assert await told(other)

    async with asyncio.timeout(SOON):
        assert await busy.wait(LONG)


async def test_a_push_while_nobody_waits_is_not_missed_by_any(engine: Engine) -> None:
    pump = Pump(engine.wait)
    one, two = Waiter([pump]), Waiter([pump])
    await quiet(one)
    await quiet(two)

    await engine.push([JOB])

    async with asyncio.timeout(SOON):
        assert await two.wait(LONG)
        assert await one.wait(LONG)


@pytest.mark.parametrize("steps", range(8))
async def test_a_push_in_the_moment_in_which_another_leaves_is_not_missed(
    steps: int, engine: Engine
) -> None:
    pump = Pump(engine.wait)
    leaving, staying = Waiter([pump]), Waiter([pump])
    await quiet(leaving)
    await quiet(staying)
    async with waiting(leaving) as task:
        pushing = asyncio.create_task(engine.push([JOB]))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
    await pushing

    async with asyncio.timeout(SOON):
        assert await staying.wait(LONG)


async def test_what_woke_once_does_not_wake_again() -> None:
    engine = MemoryEngine()
    waiter = group_of(engine).waiter()
    await engine.push([JOB])

    assert await waiter.wait(LONG)
    assert not await waiter.wait(MOMENT)


async def test_a_store_is_asked_once_however_many_wait() -> None:
    engine = Counting()
    group = group_of(engine)
    waiters = [group.waiter() for _ in range(1000)]
    async with asyncio.TaskGroup() as all:
        told = [all.create_task(waiter.wait(LONG)) for waiter in waiters]
        while engine.at_once == 0:  # noqa: ASYNC110  a store tells nobody that it is asked
            await asyncio.sleep(0)

        await engine.push([JOB])

    assert all_true(told)
    assert (engine.most, engine.waits) == (1, 1)


@pytest.mark.parametrize("number", [0, 1])
async def test_a_push_to_any_store_ends_the_wait(number: int) -> None:
    engines = [MemoryEngine(), MemoryEngine(number=1)]
    waiter = group_of(*engines).waiter()
    async with waiting(waiter) as task:
        await engines[number].push([JOB])

        assert await told(task)

    assert tasks() == 0


async def test_a_wait_ends_when_its_time_is_up_and_leaves_nothing() -> None:
    waiter = group_of(MemoryEngine(), MemoryEngine(number=1)).waiter()

    assert not await waiter.wait(timedelta(0))
    assert not await waiter.wait(MOMENT)

    assert tasks() == 0


async def test_who_stops_waiting_leaves_nobody_waiting() -> None:
    engine = Counting()
    group = group_of(engine)
    async with waiting(group.waiter()), waiting(group.waiter()) as task:
        task.cancel()
        await asyncio.wait({task})
        assert engine.at_once == 1

    assert (engine.at_once, tasks()) == (0, 0)


@pytest.mark.parametrize("error", [EngineUnavailable("away"), KeyError("away")])
async def test_the_trouble_of_a_store_reaches_all_who_wait_and_is_over_when_it_is_back(
    error: Exception,
) -> None:
    engine, well = Away(error=error), MemoryEngine(number=1)
    group = group_of(well, engine)
    one, two = group.waiter(), group.waiter()
    async with waiting(one) as first, waiting(two) as second:
        for task in (first, second):
            with pytest.raises(type(error), match="away"):
                await told(task)
    assert tasks() == 0

    engine.error = None
    await engine.push([JOB])

    async with asyncio.timeout(SOON):
        assert [await one.wait(LONG), await two.wait(LONG)] == [True, True]


async def test_a_partition_that_is_away_keeps_nobody_from_hearing_of_the_others() -> None:
    away, well = Away(), MemoryEngine(number=1)
    waiter = federated_over(away, well).waiter()
    async with waiting(waiter) as task:
        assert not task.done()

        await well.push([JOB])

        assert await told(task)


async def test_a_partition_that_is_away_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AWAY", MOMENT)
    waiter = federated_over(Away(), MemoryEngine(number=1)).waiter()

    async with asyncio.timeout(SOON):
        assert await waiter.wait(LONG)


async def test_a_store_that_is_closed_ends_the_wait_and_keeps_nobody_busy(tmp_path: object) -> None:
    engine = SqliteEngine(f"sqlite:///{tmp_path}/store.db")
    await engine.open()
    waiter = group_of(engine).waiter()
    await quiet(waiter)
    async with waiting(waiter) as task:
        await engine.close()

        assert await told(task)

    assert tasks() == 0


async def test_a_nudge_ends_the_wait_of_now_or_the_next_and_no_other() -> None:
    group = group_of(MemoryEngine())
    nudged, other = group.waiter(), group.waiter()
    async with waiting(nudged) as first, waiting(other) as second:
        nudged.nudge()

        assert await told(first)
        assert not second.done()

    nudged.nudge()
    assert await nudged.wait(LONG)
    assert not await nudged.wait(MOMENT)


def all_true(told: list["asyncio.Task[bool]"]) -> bool:
    return all(task.result() for task in told)
