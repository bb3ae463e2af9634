"""Whether a claim costs more where many jobs wait, are scheduled, are superseded or have ended."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from penstock.bench.claims import WORKER, More, compared, end, figures_of, time_of
from penstock.bench.figures import Figure, Time, Total, times
from penstock.bench.ground import TTL, TYPE, Ground, Site, new_job
from penstock.bench.sizes import BATCH
from penstock.bench.timing import since
from penstock.engine import Want
from penstock.errors import BenchFailed
from penstock.job import NewJob, QueueKey, Root

AFTER_MANY = 1 / 0.7  # times dearer, so that claims keep 70 % of their speed
HELD_OPEN = 1 / 0.3

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
    count = ground.sizes.scheduled
    job = new_job(ground.queue)
    scheduled = [replace(job, delay=timedelta(days=1))]
    async with compared(ground, [job], _filling(ground, scheduled, count)) as found:
        about, base = _beside(ground, f"{count:,} scheduled")
        return figures_of("claim-scheduled", about, base, found)


async def beside_superseded(ground: Ground) -> Sequence[Figure]:
    """Few jobs, alone and before many that are superseded; and what it takes to get past those."""
    count = ground.sizes.superseded
    job = new_job(ground.queue)
    first = replace(job, priority=_FIRST)

    @asynccontextmanager
    async def more(site: Site) -> AsyncIterator[None]:
        await ground.fill(site, [replace(job, root=_OLD)] * count, count)
        await ground.fill(site, [replace(job, priority=_LAST, root=_NEW)] * BATCH, BATCH)
        yield

    async with compared(ground, [first], more) as found:
        about, base = _beside(ground, f"{count:,} superseded")
        figures = figures_of("claim-superseded", about, base, found)
        return [*figures, *await _get_past(ground, found.site)]


async def after_finished(ground: Ground) -> Sequence[Figure]:
    """Few jobs in a fresh store, and in one in which many have been done and can still be read."""
    count = ground.sizes.finished
    job = new_job(ground.queue)

    @asynccontextmanager
    async def more(site: Site) -> AsyncIterator[None]:
        await _finish(ground, site, job, count)
        yield

    async with compared(ground, [job], more) as found:
        about = f"{ground.sizes.small:,} waiting after {count:,} were done"
        base = f"{ground.sizes.small:,} waiting in a fresh store"
        return figures_of("claim-finished", about, base, found, at_most=AFTER_MANY)


async def beside_transaction(ground: Ground) -> Sequence[Figure]:
    """Few jobs, alone and while somebody has held a transaction open since many others were done.

    Nothing where the store knows no such transactions.
    """
    count = ground.sizes.held_open
    job = new_job(ground.queue)

    @asynccontextmanager
    async def more(site: Site) -> AsyncIterator[None]:
        async with _transaction(site) or nullcontext():
            await _finish(ground, site, job, count)
            yield

    async with ground.open() as site:
        if _transaction(site) is None:
            return []
    async with compared(ground, [job], more) as found:
        about = f"{ground.sizes.small:,} waiting, a transaction held open for {count:,} jobs"
        base = f"{ground.sizes.small:,} waiting, none held"
        return figures_of("claim-held-open", about, base, found, at_most=HELD_OPEN)


def _transaction(site: Site) -> AbstractAsyncContextManager[None] | None:
    return None if site.bare is None else site.bare.open_transaction()


async def _few_and_many(
    ground: Ground, name: str, where: str, jobs: Sequence[NewJob]
) -> Sequence[Figure]:
    sizes = ground.sizes
    more = _filling(ground, jobs, sizes.large - sizes.small)
    async with compared(ground, jobs, more) as found:
        cheap, dear = f"{sizes.small:,} waiting in {where}", f"{sizes.large:,} waiting in {where}"
        few = time_of(f"{name}-few", cheap, found.alone)
        return [few, *figures_of(name, dear, cheap, found)]


def _beside(ground: Ground, what: str) -> tuple[str, str]:
    """How the two sides are told."""
    few = f"{ground.sizes.small:,} waiting"
    return f"{few} beside {what}", f"{few} alone"


def _filling(ground: Ground, jobs: Sequence[NewJob], count: int) -> More:
    """So many of these jobs, in turns, come on top."""

    @asynccontextmanager
    async def more(site: Site) -> AsyncIterator[None]:
        await ground.fill(site, islice(cycle(jobs), count), count)
        yield

    return more


async def _finish(ground: Ground, site: Site, job: NewJob, count: int) -> None:
    """So many are pushed and done; as many wait as before."""

    async def some(most: int) -> None:
        await site.store.push([job] * most)
        left = most
        while left:
            claimed = await site.store.claim([replace(_want(ground), limit=left)], WORKER)
            if not claimed.claims:
                raise BenchFailed(
                    f"a claim of {left} jobs got none, where more were waiting; "
                    "look for the cause before you trust this store"
                )
            await end(site, claimed)
            left -= len(claimed.claims)

    await ground.in_lanes("finishing", count, some)


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
