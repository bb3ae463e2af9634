"""What a claim costs, and whether it costs more where many jobs wait, are scheduled or are superseded."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from penstock.bench.bare import Bare
from penstock.bench.figures import Figure, Ratio, Time, Times, Total, ratio, times
from penstock.bench.ground import TTL, TYPE, Ground, Site, new_job, since
from penstock.bench.sizes import BATCH
from penstock.engine import Ack, Claimed, Want
from penstock.errors import BenchFailed
from penstock.job import NewJob, QueueKey, Root

WORKER = "bench"
TURN = 10  # samples of ours, then as many of the bare store
LEAST = 20  # samples of a population, however slow the store is
LONGEST = timedelta(seconds=6)  # for the samples of a population, once there are enough
AT_MOST = 1.5  # times dearer is what we aim for

_FIRST = 900  # priority: before all others
_LAST = 100
_OLD = Root(signature="bench", timestamp=datetime(2020, 1, 1, tzinfo=UTC))
_NEW = Root(signature="bench", timestamp=datetime(2021, 1, 1, tzinfo=UTC), is_self=True)


async def in_one_queue(ground: Ground) -> Sequence[Figure]:
    """Few jobs and many in the same queue."""
    return await _few_and_many(ground, "claim-1-queue", "1 queue", [new_job(ground.queue)])


async def in_many_queues(ground: Ground) -> Sequence[Figure]:
    """Few jobs and many, spread over many queues; each claim takes one job of each of a hundred."""
    count = ground.sizes.queues
    jobs = [new_job(QueueKey(f"{ground.domain}-{number}", TYPE)) for number in range(count)]
    return await _few_and_many(ground, "claim-many-queues", f"{count:,} queues", jobs)


async def beside_scheduled(ground: Ground) -> Sequence[Figure]:
    """Few jobs, alone and beside many scheduled ones of their queue."""
    sizes = ground.sizes
    job = new_job(ground.queue)
    async with ground.open() as site:
        claims = Claims(ground, site, [job])
        await ground.fill(site, [job] * sizes.small, sizes.small)
        alone = await claims.cost()
        scheduled = [replace(job, delay=timedelta(days=1))] * sizes.scheduled
        await ground.fill(site, scheduled, sizes.scheduled)
        beside = await claims.cost()
    about = f"{sizes.small:,} waiting beside {sizes.scheduled:,} scheduled"
    return _compared("claim-scheduled", about, f"{sizes.small:,} waiting alone", beside, alone)


async def beside_superseded(ground: Ground) -> Sequence[Figure]:
    """Few jobs, alone and before many that are superseded; and what it takes to get past those."""
    sizes = ground.sizes
    job = new_job(ground.queue)
    first = replace(job, priority=_FIRST)
    async with ground.open() as site:
        claims = Claims(ground, site, [first])
        await ground.fill(site, [first] * sizes.small, sizes.small)
        alone = await claims.cost()
        await ground.fill(site, [replace(job, root=_OLD)] * sizes.superseded, sizes.superseded)
        await ground.fill(site, [replace(job, priority=_LAST, root=_NEW)] * BATCH, BATCH)
        beside = await claims.cost()
        past = await _get_past(ground, site)
    about = f"{sizes.small:,} waiting beside {sizes.superseded:,} superseded"
    compared = _compared("claim-superseded", about, f"{sizes.small:,} waiting alone", beside, alone)
    return [*compared, *past]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a claim costs in one population."""

    ours: Times
    limit: Times | None


class Claims:
    """Claims from the queues of these jobs, in turns. What is claimed is ended and replaced by as many as before."""

    def __init__(self, ground: Ground, site: Site, jobs: Sequence[NewJob]) -> None:
        self._ground = ground
        self._site = site
        self._turns = cycle(jobs)
        self._queues = min(len(jobs), BATCH)

    async def cost(self) -> Cost:
        """The cost of claims, ours in turns with the bare store's."""
        ours: list[timedelta] = []
        limit: list[timedelta] = []
        began = time.perf_counter_ns()
        while len(ours) < self._ground.sizes.claims:
            if since(began) > LONGEST and len(ours) >= LEAST:
                break
            self._ground.say(f"claim {len(ours)} of {self._ground.sizes.claims}")
            ours += [await self._claim() for _ in range(TURN)]
            if self._site.bare is not None:
                limit += [await self._claim_bare(self._site.bare) for _ in range(TURN)]
        return Cost(times(ours), times(limit) if limit else None)

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
    """The claims have ended done."""
    await site.store.engine.ack([Ack(ref=claim.ref) for claim in claimed.claims])


async def _few_and_many(
    ground: Ground, name: str, where: str, jobs: Sequence[NewJob]
) -> Sequence[Figure]:
    sizes = ground.sizes
    more: Iterator[NewJob] = cycle(jobs)
    async with ground.open() as site:
        claims = Claims(ground, site, jobs)
        await ground.fill(site, islice(more, sizes.small), sizes.small)
        few = await claims.cost()
        await ground.fill(site, islice(more, sizes.large - sizes.small), sizes.large)
        many = await claims.cost()
    cheap, dear = f"{sizes.small:,} waiting in {where}", f"{sizes.large:,} waiting in {where}"
    return [_time(f"{name}-few", cheap, few), *_compared(name, dear, cheap, many, few)]


def _compared(name: str, about: str, base: str, dear: Cost, cheap: Cost) -> Sequence[Figure]:
    """The cost, and how much dearer that is than in the smaller population."""
    value = ratio(dear.ours, cheap.ours)
    limit = ratio(dear.limit, cheap.limit) if dear.limit and cheap.limit else None
    beside = Ratio(
        name=f"{name}-ratio",
        about=f"{about} / {base}",
        value=value,
        at_most=AT_MOST,
        limit=limit,
    )
    return [_time(name, about, dear), beside]


def _time(name: str, about: str, cost: Cost) -> Time:
    return Time(name=name, about=f"claim of {BATCH}, {about}", ours=cost.ours, limit=cost.limit)


async def _get_past(ground: Ground, site: Site) -> Sequence[Figure]:
    """Claims until all that were superseded have ended; BenchFailed where it were more or fewer."""
    await _take_first(ground, site)
    took: list[timedelta] = []
    superseded = 0
    while True:
        began = time.perf_counter_ns()
        claimed = await site.store.claim([_want(ground)], WORKER)
        took.append(since(began))
        superseded += claimed.superseded
        ground.say(f"stepping over {superseded:,} of {ground.sizes.superseded:,}")
        if claimed.claims or not claimed.superseded:
            break
    if (superseded, len(claimed.claims)) != (ground.sizes.superseded, BATCH):
        raise BenchFailed(
            f"{superseded} jobs ended superseded and {len(claimed.claims)} were claimed, "
            f"not {ground.sizes.superseded} and {BATCH}; look for the cause before you trust this store"
        )
    about = f"{ground.sizes.superseded:,} superseded jobs"
    return [
        Time(name="step-over", about=f"claim that steps over {about}", ours=times(took)),
        Total(
            name="step-over-all", about=f"to get past {about}", jobs=superseded, took=sum_of(took)
        ),
    ]


async def _take_first(ground: Ground, site: Site) -> None:
    """The jobs before all others are done."""
    want = replace(_want(ground), floor=_FIRST)
    while (claimed := await site.store.claim([want], WORKER)).claims:
        await end(site, claimed)


def _want(ground: Ground) -> Want:
    return Want(queue=ground.queue, limit=BATCH, ttl=TTL)


def sum_of(took: Sequence[timedelta]) -> timedelta:
    """All of it together."""
    return sum(took, start=timedelta(0))
