"""What a measure works with: a store opened by the real application, the bare one beside it, jobs to fill it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from penstock.app import Penstock
from penstock.bench.bare import Bare, twin_of
from penstock.bench.sizes import Sizes
from penstock.engine import Feature, Pushed
from penstock.group import Store
from penstock.handler import Context, FunctionHandler
from penstock.job import NewJob, QueueKey
from penstock.queue import JobSpec
from penstock.serialization import JSON, JSONObject, encode
from penstock.settings import RunnerSettings, Settings, StoreSettings

STORE = "bench"
TYPE = "bench"
BARE_TYPE = "bare"  # no runner of ours takes jobs of this type
PARAMS: JSONObject = {"name": "a job of usual size", "to": "somebody@example.org", "number": 1337}
FILL = 2_000  # jobs in one call that fills
LANES = 4  # calls that fill at once
TTL = timedelta(minutes=10)  # no claim that is measured runs out meanwhile

Run = Callable[[Context], Awaitable[JSON]]


@dataclass(frozen=True, slots=True)
class Site:
    """A store while it is measured."""

    penstock: Penstock
    store: Store
    bare: Bare | None

    @property
    def is_shared(self) -> bool:
        """Whether others can open this store as well."""
        return Feature.SHARED in self.store.engine.features


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One measure's part of a store: a domain of its own."""

    settings: StoreSettings
    other: StoreSettings | None = None  # a second store, to compare with, if there is one
    domain: str
    sizes: Sizes
    say: Callable[[str], None] = lambda text: None

    @property
    def queue(self) -> QueueKey:
        """Where our jobs are."""
        return QueueKey(self.domain, TYPE)

    def application(self, *, slots: int = 20, run: Run | None = None) -> Penstock:
        """Penstock as a configuration with nothing but this store describes it; `run` handles the jobs."""
        settings = Settings(stores={STORE: self.settings}, runner=RunnerSettings(slots=slots))
        return Penstock(settings, {TYPE: FunctionHandler(run or nothing)})

    @asynccontextmanager
    async def open(self, *, slots: int = 20, run: Run | None = None) -> AsyncIterator[Site]:
        """The store, and its twin if its engine has one."""
        async with self.application(slots=slots, run=run) as penstock:
            twin = twin_of(self.settings)
            bare = await twin.open_bare(self.settings) if twin else None
            try:
                yield Site(penstock, penstock.group.stores[STORE], bare)
            finally:
                if bare is not None:
                    await bare.close()

    @asynccontextmanager
    async def open_two(self) -> AsyncIterator[tuple[Site, Site]]:
        """Two stores to compare; where there is but one, twice the same."""
        async with self.open() as site:
            if self.other is None:
                yield site, site
                return
            async with replace(self, settings=self.other, other=None).open() as beside:
                yield site, beside

    async def fill(self, site: Site, jobs: Iterable[NewJob], total: int) -> None:
        """The jobs, of which there are so many, are stored."""
        waiting = iter(jobs)
        await self.in_lanes("filling", total, lambda most: _push_some(site, islice(waiting, most)))

    async def in_lanes(
        self, doing: str, total: int, step: Callable[[int], Awaitable[None]]
    ) -> None:
        """`step`, which is told how many to do, did so many in all; several of them at once."""
        left, done = total, 0

        async def lane() -> None:
            nonlocal left, done
            while left > 0:
                most = min(FILL, left)
                left -= most
                await step(most)
                done += most
                self.say(f"{doing}, {done:,} of {total:,}")

        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(lane())


async def _push_some(site: Site, jobs: Iterable[NewJob]) -> None:
    await site.store.push(list(jobs))


async def nothing(context: Context) -> JSON:
    """Do nothing; the result is the job's id, so that it cannot be taken for that of another job."""
    return context.job.id


async def push(penstock: Penstock, jobs: Sequence[JobSpec]) -> Sequence[Pushed]:
    """The jobs are stored by one call, as a caller makes it."""
    return await penstock.push(jobs)


def spec(queue: QueueKey) -> JobSpec:
    """A job of usual size, as a caller asks for it."""
    return JobSpec(queue.type, PARAMS, domain=queue.domain)


def new_job(queue: QueueKey) -> NewJob:
    """The same job, as an engine stores it."""
    return NewJob(queue=queue, params=encode(PARAMS))
