"""How long a pushed job waits for a runner that has nothing to do."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import timedelta

from penstock.app import Penstock
from penstock.bench.bare import Bare
from penstock.bench.figures import Figure, Time, Times, times
from penstock.bench.ground import BARE_TYPE, TTL, Ground, Site, new_job, push, spec
from penstock.engine import Want
from penstock.errors import BenchFailed
from penstock.handler import Context
from penstock.job import QueueKey
from penstock.serialization import JSON

# Irregular, so that no pause between two looks of the runner is met at its best moment again and again.
PAUSE = (0.005, 0.08)  # seconds
PATIENCE = timedelta(seconds=30)
TURN = 25  # samples of ours, then as many of the bare store


class Starts:
    """Tells when a job was started."""

    def __init__(self) -> None:
        self._started: asyncio.Queue[int] = asyncio.Queue()

    async def run(self, context: Context) -> JSON:
        """Note the moment."""
        self._started.put_nowait(time.perf_counter_ns())
        return context.job.id

    async def after(self, began: int, patience: timedelta) -> timedelta:
        """How long after that moment the next job was started; BenchFailed where none is."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                started = await self._started.get()
        except TimeoutError as error:
            raise BenchFailed(
                f"a job that was pushed to an idle runner was not started within {patience}; "
                "look for the cause before you trust this store"
            ) from error
        return timedelta(microseconds=(started - began) / 1000)


async def pick_up(ground: Ground, *, patience: timedelta = PATIENCE) -> Sequence[Figure]:
    """From the call of push to the start of the handler: pushed by the runner's process, and by another connection."""
    starts = Starts()
    async with ground.open(run=starts.run) as site:
        runner = site.penstock.runner(domains=[ground.domain])
        running = asyncio.ensure_future(runner.run())
        try:
            return await _figures(ground, site, starts, patience)
        finally:
            runner.stop()
            runner.stop()  # at once
            await running


async def _figures(
    ground: Ground, site: Site, starts: Starts, patience: timedelta
) -> Sequence[Figure]:
    ours, limit = await _samples(ground, site.penstock, site, starts, patience)
    about = "push to start, idle runner in the same process"
    figures = [Time(name="pick-up-same", about=about, ours=ours, limit=limit)]
    if not site.is_shared:
        return figures
    async with ground.application() as other:
        ours, limit = await _samples(ground, other, site, starts, patience)
    about = "push to start, pushed through another connection"
    return [*figures, Time(name="pick-up-other", about=about, ours=ours, limit=limit)]


async def _samples(
    ground: Ground, pusher: Penstock, site: Site, starts: Starts, patience: timedelta
) -> tuple[Times, Times | None]:
    ours: list[timedelta] = []
    limit: list[timedelta] = []
    while len(ours) < ground.sizes.pickups:
        turn = min(TURN, ground.sizes.pickups - len(ours))
        for _ in range(turn):
            await asyncio.sleep(random.uniform(*PAUSE))
            began = time.perf_counter_ns()
            await push(pusher, [spec(ground.queue)])
            ours.append(await starts.after(began, patience))
        if site.bare is not None:
            limit += [await _pass_on(site.bare, ground.domain) for _ in range(turn)]
        ground.say(f"{len(ours)} of {ground.sizes.pickups}")
    return times(ours), times(limit) if limit else None


async def _pass_on(bare: Bare, domain: str) -> timedelta:
    """One job pushed and claimed: two commits."""
    queue = QueueKey(domain, BARE_TYPE)
    pushed = await bare.push([new_job(queue)])
    claimed = await bare.claim([Want(queue=queue, limit=1, ttl=TTL)])
    await bare.ack()
    return pushed + claimed
