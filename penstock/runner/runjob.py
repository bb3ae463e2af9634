"""One job by its id: claimed here, run here, and ended as a runner would end it."""

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from penstock.errors import EngineError, WrongState
from penstock.group import QueueGroup, Taken
from penstock.inspection import Inspection
from penstock.job import WAITING, Job, JobId, Progress, State
from penstock.policy import Outcome, decide
from penstock.runner.alone import alive, attempt, finish
from penstock.runner.executor import Executor
from penstock.runner.processes import Processes
from penstock.runner.running import Running, Why
from penstock.runner.threads import Threads

_INSTEAD = {
    State.CLAIMED: "wait for its end, or cancel it",
    State.DEAD: "retry it first",
}


class Listener(Protocol):
    """Hears at once what a job lets out while it runs; called from any thread, and must not make it wait for long."""

    def wrote(self, data: bytes) -> None:
        """The program that the job runs has written this."""
        ...

    def progressed(self, progress: Progress) -> None:
        """The job has reported this."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of the job that was run."""

    claimed: Job  # as its attempt began
    took: timedelta
    outcome: Outcome | None  # None: the claim was lost, and nothing could be said of the job
    now: Job | None  # None: gone, or not to be had


class RunJob:
    """Runs one job, whether its queue is paused or its time has come or not: somebody asked for just this one."""

    def __init__(
        self,
        group: QueueGroup,
        inspection: Inspection,
        *,
        worker: str,
        listener: Listener | None = None,
    ) -> None:
        self._group = group
        self._inspection = inspection
        self._worker = worker
        self._listener = listener
        self._executor = Executor(group)
        self._threads = Threads()
        self._processes = Processes()
        self._running: Running | None = None
        self._stopped = False

    def stop(self) -> None:
        """The job is given back with its attempt; one that was not begun never will be."""
        self._stopped = True
        if self._running is not None:
            self._running.stop(Why.STOPPED)

    async def run(self, id: JobId) -> Ended:
        """Claim the job, run it and end its claim.

        UnknownJob, WrongState unless it waits, UnknownType without a handler here: then nothing has changed.
        EngineError where the store could not be told the end in time: then the claim runs out.
        """
        running = await self._claim(id)
        try:
            async with alive(
                self._group,
                worker=self._worker,
                types=[running.claim.job.type],
                held=lambda: self._held(running),
            ):
                ended = await self._run(running)
        finally:
            self._threads.shutdown()
            await self._processes.close()
        if isinstance(ended, EngineError):
            raise ended
        return ended

    async def _claim(self, id: JobId) -> Running:
        job = await self._inspection.job(id)
        _refuse_unless_waiting(job)
        self._group.registry.handler(job.type)
        store, ttl = self._group.store_of(id), self._group.policies.of(job.type).ttl
        asked_at = time.monotonic()
        claims = await store.claim_ids([id], ttl=ttl, worker=self._worker)
        if not claims:  # somebody was quicker
            _refuse_unless_waiting(await self._inspection.job(id))
            raise WrongState(f"job {id} moved while it was to be claimed; try again")
        running = Running.of(
            Taken(store, claims[0], asked_at),
            ttl=ttl,
            threads=self._threads,
            processes=self._processes,
        )
        if self._listener is not None:
            running.context.reported = self._listener.progressed
            running.context.wrote = self._listener.wrote
        self._running = running
        if self._stopped:
            running.stop(Why.STOPPED)
        return running

    def _held(self, running: Running) -> Collection[Running]:
        return () if running.settled.is_set() else (running,)

    async def _run(self, running: Running) -> Ended | EngineError:
        """What became of the job; the error of its store, if that could not be told of it."""
        began = time.monotonic()
        job = running.claim.job
        happened = await attempt(self._executor, running)
        took = timedelta(seconds=time.monotonic() - began)
        outcome = None
        if happened is not None:
            outcome = decide(happened, job, self._group.policies.of(job.type))
            try:
                held = await finish(running, outcome)
            except EngineError as error:
                return error
            outcome = outcome if held else None
        running.settled.set()
        return Ended(claimed=job, took=took, outcome=outcome, now=await _now(running))


def _refuse_unless_waiting(job: Job) -> None:
    if job.state in WAITING:
        return
    instead = _INSTEAD.get(job.state, "push it anew")
    raise WrongState(
        f"job {job.id} is {job.state}; only a scheduled or ready job can be run: {instead}"
    )


async def _now(running: Running) -> Job | None:
    with suppress(EngineError):
        [now] = await running.store.engine.get([running.claim.job.id])
        return now
    return None
