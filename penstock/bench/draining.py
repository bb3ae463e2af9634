"""How many jobs a second one runner takes through, each of them done exactly once."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from penstock.bench.bare import Bare
from penstock.bench.figures import Figure, Rate, rates
from penstock.bench.ground import (
    BARE_TYPE,
    FILL,
    TTL,
    Ground,
    Run,
    Site,
    new_job,
    nothing,
    push,
    spec,
)
from penstock.bench.sizes import BATCH
from penstock.bench.timing import since
from penstock.engine import Want
from penstock.errors import BenchFailed
from penstock.group import Store
from penstock.handler import Context
from penstock.job import Job, JobId, QueueKey, State
from penstock.runner import Runner
from penstock.serialization import JSON, encode

PATIENCE = timedelta(seconds=30)  # for the next job to start
SHOWN = 3  # of what went wrong


class Countdown:
    """Runs the jobs of one round after the other, and stops the runner when the last of a round has started."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left = 0
        self._runner: Runner | None = None

    async def run(self, context: Context) -> JSON:
        """Run the job, and count it."""
        self._left -= 1
        if self._left == 0 and self._runner is not None:
            self._runner.stop()
        return await self._run(context)

    async def until_through(self, runner: Runner, jobs: int, patience: timedelta) -> timedelta:
        """How long the runner took until so many had started and all of them ended; it has stopped.

        It is stopped too where none has started for so long as `patience` says.
        """
        self._left, self._runner = jobs, runner
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._stop_when_stuck(runner, patience))
            began = time.perf_counter_ns()
            await runner.run()
            took = since(began)
            watch.cancel()
        return took

    async def _stop_when_stuck(self, runner: Runner, patience: timedelta) -> None:
        left = -1
        while left != self._left:
            left = self._left
            await asyncio.sleep(patience.total_seconds())
        runner.stop()


async def drain(
    ground: Ground, *, slots: int, run: Run = nothing, patience: timedelta = PATIENCE
) -> Sequence[Figure]:
    """Jobs that do nothing through a runner of so many slots, in turns with claim and ack of the bare store.

    BenchFailed where one of them did not end done, at its first attempt and with its result.
    """
    count = ground.sizes.drained
    countdown = Countdown(run)
    ours: list[timedelta] = []
    limit: list[timedelta] = []
    async with ground.open(slots=slots, run=countdown.run) as site:
        for turn in range(ground.sizes.rounds):
            ground.say(f"round {turn + 1} of {ground.sizes.rounds}")
            ids = await _push(ground, site, count)
            runner = site.penstock.runner(domains=[ground.domain])
            ours.append(await countdown.until_through(runner, count, patience))
            await verify(site.store, ids)
            if site.bare is not None:
                limit.append(await _drain_bare(site.bare, ground.domain, count))
    about = f"jobs that do nothing, one runner with {slots} slots"
    bare = rates(count, limit) if limit else None
    return [Rate(name=f"drain-{slots}", about=about, ours=rates(count, ours), limit=bare)]


async def verify(store: Store, ids: Sequence[JobId]) -> None:
    """Nothing, if every job ended done exactly once and its result can be read; else BenchFailed."""
    found: list[str] = []
    for start in range(0, len(ids), FILL):
        some = ids[start : start + FILL]
        jobs = await store.engine.get(some)
        found += [wrong for id, job in zip(some, jobs, strict=True) if (wrong := fault(id, job))]
    if len(set(ids)) < len(ids):
        found.append(f"{len(ids) - len(set(ids))} ids were given twice")
    if found:
        shown = "; ".join(found[:SHOWN])
        raise BenchFailed(
            f"{len(found)} of {len(ids)} jobs did not end done exactly once: {shown}; "
            "look for the cause before you trust this store"
        )


def fault(id: JobId, job: Job | None) -> str | None:
    """What is wrong with a job that was to run once, to its end; None for nothing."""
    if job is None:
        return f"job {id} is gone"
    if job.state is not State.DONE:
        why = f" ({job.error})" if job.error else ""
        return f"job {id} is {job.state}{why}"
    if (job.fence, job.attempt) != (1, 1):
        return f"job {id} was claimed {job.fence} times and tried {job.attempt} times"
    if job.result != encode(id):
        return f"job {id} has the result {job.result}"
    return None


async def _push(ground: Ground, site: Site, count: int) -> Sequence[JobId]:
    ids: list[JobId] = []
    job = spec(ground.queue)
    while len(ids) < count:
        pushed = await push(site.penstock, [job] * min(FILL, count - len(ids)))
        ids += [each.id for each in pushed]
    return ids


async def _drain_bare(bare: Bare, domain: str, count: int) -> timedelta:
    queue = QueueKey(domain, BARE_TYPE)
    jobs = [new_job(queue)] * BATCH
    want = Want(queue=queue, limit=BATCH, ttl=TTL)
    turns = count // BATCH
    for _ in range(turns):
        await bare.push(jobs)
    took = timedelta(0)
    for _ in range(turns):
        took += await bare.claim([want])
        took += await bare.ack()
    return took
