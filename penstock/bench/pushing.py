"""How many jobs a second can be pushed: one by one, in batches, by many at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from penstock.app import Penstock
from penstock.bench.bare import Bare
from penstock.bench.figures import Figure, Rate, rates
from penstock.bench.ground import BARE_TYPE, Ground, new_job, push, spec
from penstock.bench.sizes import BATCH, TASKS
from penstock.bench.timing import since
from penstock.job import QueueKey

PushRound = Callable[[Penstock], Awaitable[None]]
Way = Callable[[Ground], Awaitable[Sequence[Figure]]]


async def one_by_one(ground: Ground) -> Sequence[Figure]:
    """Each push waits for the one before it."""
    job = [spec(ground.queue)]

    async def push_round(penstock: Penstock) -> None:
        for _ in range(ground.sizes.singles):
            await push(penstock, job)

    about = "push, one by one"
    return [
        await _compare(ground, "push-single", about, push_round, ground.sizes.singles, together=1)
    ]


async def in_batches(ground: Ground) -> Sequence[Figure]:
    """Each push brings a hundred jobs."""
    jobs = [spec(ground.queue)] * BATCH

    async def push_round(penstock: Penstock) -> None:
        for _ in range(ground.sizes.batches):
            await push(penstock, jobs)

    about = f"push, in batches of {BATCH}"
    count = ground.sizes.batches * BATCH
    return [await _compare(ground, "push-batch", about, push_round, count, together=BATCH)]


async def from_many_tasks(ground: Ground) -> Sequence[Figure]:
    """Many tasks push one job after the other; the bare store gets as many jobs in each commit."""
    job = [spec(ground.queue)]

    async def push_round(penstock: Penstock) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(TASKS):
                tasks.create_task(push_some(penstock))

    async def push_some(penstock: Penstock) -> None:
        for _ in range(ground.sizes.each_task):
            await push(penstock, job)

    about = f"push, single ones from {TASKS} tasks at once"
    count = ground.sizes.each_task * TASKS
    return [await _compare(ground, "push-tasks", about, push_round, count, together=TASKS)]


async def _compare(
    ground: Ground, name: str, about: str, push_round: PushRound, count: int, *, together: int
) -> Rate:
    """The rate of `push_round`, which stores `count` jobs, in turns with a bare store that takes so many a commit."""
    ours: list[timedelta] = []
    limit: list[timedelta] = []
    async with ground.open() as site:
        for turn in range(ground.sizes.rounds):
            ground.say(f"round {turn + 1} of {ground.sizes.rounds}")
            began = time.perf_counter_ns()
            await push_round(site.penstock)
            ours.append(since(began))
            if site.bare is not None:
                limit.append(await _push_bare(site.bare, ground.domain, count, together))
    bare = rates(count, limit) if limit else None
    return Rate(name=name, about=about, ours=rates(count, ours), limit=bare)


async def _push_bare(bare: Bare, domain: str, count: int, together: int) -> timedelta:
    jobs = [new_job(QueueKey(domain, BARE_TYPE))] * together
    took = timedelta(0)
    for _ in range(count // together):
        took += await bare.push(jobs)
    return took
