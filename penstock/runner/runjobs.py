"""The finite run: runs what is there, one job after another, and ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from penstock.errors import EngineError
from penstock.group import Fetcher, QueueGroup, Taken
from penstock.job import Job, Move, params_of
from penstock.policy import Happened, decide
from penstock.runner.alone import alive, attempt, finish
from penstock.runner.executor import Executor
from penstock.runner.lines import describe_run, ended, starting
from penstock.runner.processes import Processes
from penstock.runner.running import Running, Why
from penstock.runner.threads import Threads
from penstock.serialization import JSONObject

POLL = timedelta(seconds=1)
LOST = "the claim was lost before the end"
GIVEN_BACK = "given back, as the run was stopped"


class Reached(StrEnum):
    """Why a run ended; the classic's words, and one of ours."""

    NONE_READY = "none-ready"
    NONE_POSSIBLE = "none-possible"
    JOB_LIMIT = "job-limit"
    TIME_LIMIT = "time-limit"
    EXCEPTION = "exception"
    STOPPED = "stopped"  # the classic dies of a signal


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
    error: EngineError | None = None  # of the store that ended the run

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
        refresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._group = group
        self._worker = worker
        self._limits = limits
        self._say = say
        self._metadata = metadata
        self._refresh = refresh or _nothing  # makes ready what has become due
        self._executor = Executor(group)
        self._waiter = group.waiter()
        here = None if limits.types is None else set(limits.types) & set(group.registry.types)
        self._fetcher = Fetcher(group, worker, types=here, domains=limits.domains)
        self._threads = Threads()
        self._processes = Processes()
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
        async with alive(self._group, worker=self._worker, types=known, held=self._held):
            try:
                await self._until_limit(run)
            finally:
                await self._processes.close()
        self._threads.shutdown()
        return run

    def _held(self) -> Collection[Running]:
        return () if self._running is None else (self._running,)

    async def _until_limit(self, run: Run) -> None:
        deadline = self._deadline()
        run.reached = Reached.STOPPED
        while not self._stopping.is_set():
            try:
                reached = await self._step(run, deadline)
            except EngineError as error:
                run.error = error
                reached = self._limit(run, deadline) or Reached.EXCEPTION
            if reached is not None:
                run.reached = reached
                return

    def _deadline(self) -> float:
        if self._limits.maxtime is None:
            return float("inf")
        return time.monotonic() + self._limits.maxtime.total_seconds()

    async def _step(self, run: Run, deadline: float) -> Reached | None:
        """One job, or one wait for more; why the run ends, if it does."""
        taken = await self._fetch()
        for one in taken:
            await self._one(one, run)
        return self._limit(run, deadline) if taken else await self._wait(deadline)

    async def _fetch(self) -> Sequence[Taken]:
        taken = await self._fetch_one()
        if not taken and self._fetcher.hindrance is None:
            await self._refresh()
            taken = await self._fetch_one()
        if not taken and self._fetcher.hindrance is not None:
            raise self._fetcher.hindrance
        return taken

    async def _fetch_one(self) -> Sequence[Taken]:
        taken = await self._fetcher.fetch(1)
        while self._fetcher.gave_up and not self._stopping.is_set():
            taken = await self._fetcher.fetch(1)
        return taken

    async def _wait(self, deadline: float) -> Reached | None:
        if not self._limits.wait:
            return Reached.NONE_READY
        left = deadline - time.monotonic()
        if left <= 0:
            return Reached.TIME_LIMIT
        await self._waiter.wait(timedelta(seconds=min(POLL.total_seconds(), left)))
        return None

    def _limit(self, run: Run, deadline: float) -> Reached | None:
        if self._limits.maxjobs is not None and len(run.jobs) >= self._limits.maxjobs:
            return Reached.JOB_LIMIT
        if run.jobs and time.monotonic() >= deadline:  # after a job: one always runs
            return Reached.TIME_LIMIT
        return None

    async def _one(self, taken: Taken, run: Run) -> None:
        """The job has run and ended, and is told; or it was given back."""
        ttl = self._group.policies.of(taken.claim.job.type).ttl
        self._running = running = Running.of(
            taken, ttl=ttl, threads=self._threads, processes=self._processes
        )
        try:
            if self._stopping.is_set():
                running.stop(Why.STOPPED)  # it came while we were told to stop
            await self._run(running, run)
        finally:
            self._running = None

    async def _run(self, running: Running, run: Run) -> None:
        job = running.claim.job
        text = describe_run(job, _readable(job), metadata=self._metadata)
        if not running.is_stopped():
            self._say(starting(datetime.now(UTC), text))
        began = time.monotonic()
        happened = await attempt(self._executor, running)
        try:
            error = await self._end(running, happened)
        except EngineError as trouble:
            run.jobs.append(Ran(type=job.type, error=str(trouble), milliseconds=_since(began)))
            raise
        milliseconds = _since(began)
        if running.started:
            self._say(ended(datetime.now(UTC), text, milliseconds, error))
        if error != GIVEN_BACK:
            run.jobs.append(Ran(type=job.type, error=error, milliseconds=milliseconds))

    async def _end(self, running: Running, happened: Happened | None) -> str | None:
        """The claim has ended; what is wrong with that, or with the job."""
        if happened is None:
            return LOST
        job = running.claim.job
        outcome = decide(happened, job, self._group.policies.of(job.type))
        if not await finish(running, outcome):
            return LOST
        if outcome.move is Move.RELEASE:
            return GIVEN_BACK
        return None if outcome.move is Move.ACK else outcome.error or outcome.move.value


async def _nothing() -> None:
    """Nothing becomes ready but by others."""


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _readable(job: Job) -> JSONObject:
    try:
        return params_of(job)
    except ValueError:
        return {}
