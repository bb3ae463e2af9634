"""What a run of one job at a time needs: signs of life around it, the attempt, and the end of its claim."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import timedelta

from penstock.errors import EngineError, EngineUnavailable
from penstock.group import End, QueueGroup
from penstock.handler import Context
from penstock.inspection import Health
from penstock.job import Presence
from penstock.policy import Happened, Outcome
from penstock.runner.executor import Executor
from penstock.runner.heartbeat import Heartbeat
from penstock.runner.running import Running

PATIENCE = timedelta(seconds=1)  # between two tries at a store that is away


@asynccontextmanager
async def alive(
    group: QueueGroup,
    *,
    worker: str,
    types: Collection[str],
    held: Callable[[], Collection[Running]],
) -> AsyncIterator[None]:
    """The worker is present with one slot, and renews what it holds; afterwards the stores have forgotten it."""
    presence = Presence(worker=worker, slots=1, types=frozenset(types))
    beat = Heartbeat(group, Health(), presence, held)
    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(beat.run())
        try:
            yield
        finally:
            beating.cancel()
    for store in group.stores.values():
        with contextlib.suppress(EngineError):
            await store.engine.forget(worker)


async def attempt(executor: Executor, running: Running) -> Happened | None:
    """What may be said of the job once its handler has ended or was stopped; None: nothing at all."""

    async def run(context: Context) -> Happened:
        running.task = task = asyncio.ensure_future(executor.attempt(context))
        return await task

    happened = await running.run(run)
    running.finishing = True
    return happened


async def finish(running: Running, outcome: Outcome) -> bool:
    """Whether the claim was held; a store that is away is asked again as long as the claim surely is."""
    until = running.held_until
    while True:
        try:
            [held] = await running.store.finish([End(running.claim, outcome)])
            return held
        except EngineUnavailable:
            left = until - time.monotonic()
            if left <= 0:
                raise
            await asyncio.sleep(min(left, PATIENCE.total_seconds()))
