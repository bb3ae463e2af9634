"""A small installation for tests: the real group, inspection and runner over a memory store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from penstock.clock import ManualClock
from penstock.engine import Engine
from penstock.engines.memory import MemoryEngine
from penstock.events import Event, Events
from penstock.group import QueueGroup, Store
from penstock.handler import Handler, Registry
from penstock.inspection import Health, Inspection
from penstock.job import Job, JobId
from penstock.policy import Policies, Policy
from penstock.queue import JobSpec
from penstock.remote import Remote
from penstock.runner import Runner
from penstock.upkeep import Upkeep

SOON = 5.0  # seconds after which a test that waits has failed


@dataclass
class Installation:
    """Everything of one process, over one store named main."""

    engine: Engine
    clock: ManualClock
    group: QueueGroup
    inspection: Inspection
    health: Health
    remote: Remote
    store: Store
    told: list[Event] = field(default_factory=list)

    async def push(self, *specs: JobSpec) -> list[JobId]:
        """The ids of the pushed jobs."""
        return [pushed.id for pushed in await self.group.push(specs)]

    async def job(self, id: JobId) -> Job:
        """The job as it stands."""
        return await self.inspection.job(id)

    def runner(
        self, *, slots: int = 4, grace: timedelta = timedelta(seconds=5), worker: str = "w1"
    ) -> Runner:
        """A runner over the store."""
        return Runner(self.group, self.health, worker=worker, slots=slots, grace=grace)

    def upkeep(self) -> Upkeep:
        """The upkeep of the store."""
        return Upkeep(self.group, self.health, worker="w1")


async def installation(
    handlers: Mapping[str, Handler],
    *,
    policies: Mapping[str, Policy] | None = None,
    engine: Engine | None = None,
    store: str = "main",
    accepts: Callable[[str], bool] = lambda type: False,
) -> Installation:
    """An installation that is open, over one store of this name."""
    clock = ManualClock()
    engine = engine or MemoryEngine(clock=clock)  # an engine of the caller's has its own clock
    await engine.open()
    events = Events()
    settled = Policies(Policy(), policies)
    place = Store(store, engine, settled, events)
    group = QueueGroup(
        {store: place},
        default=store,
        policies=settled,
        registry=Registry(handlers),
        accepts=accepts,
    )
    made = Installation(engine, clock, group, Inspection(group), Health(), Remote(group), place)
    events.listen(made.told.append)
    return made


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    """The runner runs inside, and has stopped afterwards."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(runner.run())
        try:
            yield
        finally:
            runner.stop()
            await asyncio.wait_for(task, SOON)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once the condition holds; fail if it does not soon."""
    async with asyncio.timeout(SOON):
        while not await condition():  # noqa: ASYNC110  what a store holds tells nobody
            await asyncio.sleep(0)
