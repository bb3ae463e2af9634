"""The finite run: runs what is there, one job after another, and ends."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from penstock.errors import EngineError
from penstock.group import End, QueueGroup
from penstock.handler import Context
from penstock.inspection import Health
from penstock.job import Move, Presence, params_of
from penstock.policy import GaveUp, Happened, Stopped, decide
from penstock.runner.executor import Executor
from penstock.runner.fetcher import Fetcher, Taken
from penstock.runner.heartbeat import MARGIN, Heartbeat
from penstock.runner.lines import describe_run, ended, starting
from penstock.runner.running import Running, Why
from penstock.serialization import JSONObject

POLL = timedelta(seconds=1)


class Reached(StrEnum):
    """Why a run ended; the classic's words."""

    NONE_READY = "none-ready"
    NONE_POSSIBLE = "none-possible"
    JOB_LIMIT = "job-limit"
    TIME_LIMIT = "time-limit"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One job of a run."""

    type: str
    error: str | None
    milliseconds: int


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run did."""

    reached: Reached = Reached.NONE_READY
    jobs: list[Ran] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any job failed."""
        return any(job.error is not None for job in self.jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a run ends, if the queues do not end it."""

    types: Collection[str] | None = None
    domains: Collection[str] | None = None
    maxjobs: int | None = None
    maxtime: timedelta | None = None
    wait: bool = False  # look again each second where nothing is ready


class RunJobs:
    """Runs jobs until a limit or the end of the queues; prints the classic's lines."""

    def __init__(
        self,
        group: QueueGroup,
        *,
        worker: str,
        limits: Limits,
        say: Callable[[str], None],
        metadata: bool = True,
    ) -> None:
        self._group = group
        self._worker = worker
        self._limits = limits
        self._say = say
        self._metadata = metadata
        self._executor = Executor(group)
        self._fetcher = Fetcher(group, worker, types=limits.types, domains=limits.domains)
        self._running: Running | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End the run; a job that runs is given back with its attempt."""
        self._stopping.set()
        if self._running is not None:
            self._running.stop(Why.STOPPED)

    async def run(self) -> Run:
        """Run, and answer what was done."""
        run = Run()
        known = self._group.registry.types
        if self._limits.types is not None and not set(self._limits.types) & set(known):
            run.reached = Reached.NONE_POSSIBLE
            return run
        presence = Presence(worker=self._worker, slots=1, types=frozenset(known))
        beat = Heartbeat(self._group, Health(), presence, self._held)
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(beat.run())
            try:
                await self._until_limit(run)
            finally:
                beating.cancel()
        for store in self._group.stores.values():
            await store.engine.forget(self._worker)
        return run

    def _held(self) -> Collection[Running]:
        return () if self._running is None else (self._running,)

    async def _until_limit(self, run: Run) -> None:
        deadline = self._deadline()
        while not self._stopping.is_set():
            try:
                taken = await self._fetcher.fetch(1)
                if taken:
                    run.jobs.append(await self._one(taken[0]))
                elif not await self._worth_waiting(deadline):
                    run.reached = Reached.NONE_READY
                    return
            except EngineError:
                run.reached = Reached.EXCEPTION
                raise
            if self._limits.maxjobs is not None and len(run.jobs) >= self._limits.maxjobs:
                run.reached = Reached.JOB_LIMIT
                return
            if run.jobs and time.monotonic() >= deadline:  # after a job: one always runs
                run.reached = Reached.TIME_LIMIT
                return

    def _deadline(self) -> float:
        if self._limits.maxtime is None:
            return float("inf")
        return time.monotonic() + self._limits.maxtime.total_seconds()

    async def _worth_waiting(self, deadline: float) -> bool:
        if not self._limits.wait or time.monotonic() >= deadline:
            return False
        left = min(POLL.total_seconds(), deadline - time.monotonic())
        await self._group.wait(timedelta(seconds=left))
        return True

    async def _one(self, taken: Taken) -> Ran:
        job = taken.claim.job
        run = describe_run(job, _readable(taken), metadata=self._metadata)
        self._say(starting(datetime.now(UTC), run))
        began = time.monotonic()
        outcome = decide(await self._attempt(taken), job, self._group.policies.of(job.type))
        [held] = await taken.store.finish([End(taken.claim, outcome)])
        milliseconds = round((time.monotonic() - began) * 1000)
        error = None if outcome.move is Move.ACK else outcome.error or outcome.move.value
        if not held:
            error = "the claim was lost before the end"
        self._say(ended(datetime.now(UTC), run, milliseconds, error))
        return Ran(type=job.type, error=error, milliseconds=milliseconds)

    async def _attempt(self, taken: Taken) -> Happened:
        job = taken.claim.job
        key = f"{taken.store.engine.identity.uuid}-{job.id}"
        context = Context(job=job, params={}, idempotency_key=key)
        ttl = self._group.policies.of(job.type).ttl.total_seconds()
        running = Running(
            store=taken.store,
            claim=taken.claim,
            context=context,
            held_until=time.monotonic() + ttl * MARGIN,
        )
        self._running = running
        try:
            async with asyncio.TaskGroup() as tasks:
                attempt = tasks.create_task(self._executor.attempt(context))
                running.task = attempt
            return attempt.result()
        except asyncio.CancelledError:
            if running.why is None:
                raise
            return GaveUp() if running.why is Why.ASKED else Stopped(started=True)
        finally:
            self._running = None


def _readable(taken: Taken) -> JSONObject:
    try:
        return params_of(taken.claim.job)
    except ValueError:
        return {}
