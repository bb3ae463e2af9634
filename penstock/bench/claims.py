"""What a claim costs in one population, and beside it in another: claims of both sides in turns."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice

from penstock.bench.bare import Bare
from penstock.bench.figures import Figure, Ratio, Time, Times, ratio, times
from penstock.bench.ground import TTL, Ground, Site
from penstock.bench.sizes import BATCH
from penstock.bench.timing import since
from penstock.engine import Ack, Claimed, Want
from penstock.errors import BenchFailed
from penstock.job import NewJob
from penstock.serialization import encode

WORKER = "bench"
TURN = 10  # samples of ours, then as many of the bare store
LEAST = 20  # samples of a population, however slow the store is
LONGEST = timedelta(seconds=6)  # for the samples of a population, once there are enough
AT_MOST = 1.5  # times dearer is what we aim for

More = Callable[[Site], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a claim costs in one population."""

    ours: Times
    limit: Times | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What a claim costs where few jobs wait, alone and beside more; and where these are."""

    alone: Cost
    beside: Cost
    site: Site


class Claims:
    """Claims from the queues of these jobs, in turns. What is claimed is ended and replaced by as many as before."""

    def __init__(self, ground: Ground, site: Site, jobs: Sequence[NewJob]) -> None:
        self._ground = ground
        self._site = site
        self._turns = cycle(jobs)
        self._queues = min(len(jobs), BATCH)
        self._ours: list[timedelta] = []
        self._limit: list[timedelta] = []

    @property
    def cost(self) -> Cost:
        """The cost by the samples so far, of which there is at least one."""
        return Cost(times(self._ours), times(self._limit) if self._limit else None)

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self._ours)

    async def sample(self) -> None:
        """Some more samples of ours, then of the bare store."""
        self._ground.say(f"claim {self.samples} of {self._ground.sizes.claims}")
        self._ours += [await self._claim() for _ in range(TURN)]
        if self._site.bare is not None:
            self._limit += [await self._claim_bare(self._site.bare) for _ in range(TURN)]

    async def _claim(self) -> timedelta:
        jobs = list(islice(self._turns, self._queues))
        wants = self._wants(jobs)
        began = time.perf_counter_ns()
        claimed = await self._site.store.claim(wants, WORKER)
        took = since(began)
        if len(claimed.claims) != self._each * len(jobs):
            raise BenchFailed(
                f"a claim of {self._each * len(jobs)} jobs got {len(claimed.claims)}, where more were waiting; "
                "look for the cause before you trust this store"
            )
        await end(self._site, claimed)
        await self._replace(jobs)
        return took

    async def _claim_bare(self, bare: Bare) -> timedelta:
        jobs = list(islice(self._turns, self._queues))
        took = await bare.claim(self._wants(jobs))
        await bare.ack()
        await self._replace(jobs)
        return took

    @property
    def _each(self) -> int:
        return BATCH // self._queues

    def _wants(self, jobs: Sequence[NewJob]) -> Sequence[Want]:
        return [Want(queue=job.queue, limit=self._each, ttl=TTL) for job in jobs]

    async def _replace(self, jobs: Sequence[NewJob]) -> None:
        await self._site.store.push([job for job in jobs for _ in range(self._each)])


async def end(site: Site, claimed: Claimed) -> None:
    """The claims have ended done, each with a result."""
    acks = [Ack(ref=claim.ref, result=encode(claim.job.id)) for claim in claimed.claims]
    await site.store.engine.ack(acks)


@asynccontextmanager
async def compared(ground: Ground, jobs: Sequence[NewJob], more: More) -> AsyncIterator[Compared]:
    """The cost where few of these jobs wait, and where that which `more` does comes on top.

    Both sides in turns, each in a store of its own; one after the other where there is but one store.
    """
    few = ground.sizes.small
    async with ground.open_two() as (one, other):
        alone, beside = Claims(ground, one, jobs), Claims(ground, other, jobs)
        await ground.fill(one, islice(cycle(jobs), few), few)
        if one is other:
            await _sample(ground, alone)
        else:
            await ground.fill(other, islice(cycle(jobs), few), few)
        async with more(other):
            await _sample(ground, *([beside] if one is other else [alone, beside]))
            yield Compared(alone.cost, beside.cost, other)


async def _sample(ground: Ground, *sides: Claims) -> None:
    """There are as many samples of each side as are wanted, or as can be had in reasonable time."""
    began = time.perf_counter_ns()
    while (least := min(side.samples for side in sides)) < ground.sizes.claims:
        if since(began) > LONGEST * len(sides) and least >= LEAST:
            break
        for side in sides:
            await side.sample()


def figures_of(
    name: str, about: str, base: str, found: Compared, *, at_most: float = AT_MOST
) -> Sequence[Figure]:
    """The cost, and how much dearer that is than alone."""
    dear, cheap = found.beside, found.alone
    limit = ratio(dear.limit, cheap.limit) if dear.limit and cheap.limit else None
    beside = Ratio(
        name=f"{name}-ratio",
        about=f"{about} / {base}",
        value=ratio(dear.ours, cheap.ours),
        at_most=at_most,
        limit=limit,
    )
    return [time_of(name, about, dear), beside]


def time_of(name: str, about: str, cost: Cost) -> Time:
    """The cost as a figure."""
    return Time(name=name, about=f"claim of {BATCH}, {about}", ours=cost.ours, limit=cost.limit)
