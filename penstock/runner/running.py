"""A job that is being run, and why it was stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Self, assert_never

from penstock.group import Store
from penstock.group.fetcher import Taken
from penstock.handler import Context
from penstock.job import Claim
from penstock.policy import GaveUp, Happened, Returned, Stopped
from penstock.runner.processes import Processes
from penstock.runner.threads import Threads

MARGIN = 0.9  # a claim that could not be renewed for this share of its ttl counts as lost


class Why(StrEnum):
    """What made a runner cancel a handler."""

    LOST = "lost"  # the claim is no longer ours: nothing may be said about the job
    ASKED = "asked"  # somebody wants the job cancelled
    STOPPED = "stopped"  # the runner stops


@dataclass(slots=True, kw_only=True)
class Running:
    """One claim in a slot."""

    store: Store
    claim: Claim
    context: Context
    held_until: float  # on this process's monotonic clock: past it the claim counts as lost
    task: asyncio.Task[None] | asyncio.Task[Happened] | None = None
    why: Why | None = None
    started: bool = False
    finishing: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, taken: Taken, *, ttl: timedelta, threads: Threads, processes: Processes) -> Self:
        """What was taken, not started yet; its claim surely holds for most of the ttl since it was asked for."""
        job = taken.claim.job
        key = f"{taken.store.engine.identity.uuid}-{job.id}"
        return cls(
            store=taken.store,
            claim=taken.claim,
            context=Context(
                job=job,
                params={},
                idempotency_key=key,
                threads=threads,
                processes=processes,
            ),
            held_until=taken.asked_at + ttl.total_seconds() * MARGIN,
        )

    def is_stopped(self) -> bool:
        """Whether the handler was told to end, or not to begin."""
        return self.why is not None

    def stop(self, why: Why) -> None:
        """Cancel the handler, once, for the first reason given; one that has not started never will."""
        if self.why is not None or self.finishing:
            return
        self.why = why
        self.context.cancelled.set()
        # A task that is cancelled before its first step ends unheard, and its slot would stay taken.
        if self.task is not None and self.started:
            self.task.cancel()

    async def run(self, attempt: Callable[[Context], Awaitable[Happened]]) -> Happened | None:
        """What may be said of the job once the attempt has ended or was stopped; None: nothing at all."""
        if self.is_stopped():
            return self._came_to(None)
        self.started = True
        try:
            happened = await attempt(self.context)
        except asyncio.CancelledError:
            if not self.is_stopped():
                raise
            return self._came_to(None)
        return self._came_to(happened)

    def when_free(self, free: Callable[[], None]) -> None:
        """Call `free` once nothing of the job runs any more: a thread cannot be killed, so its slot stays taken."""
        thread = self.context.thread
        if thread is None or thread.done():
            free()
            return
        thread.add_done_callback(lambda _: free())

    def _came_to(self, happened: Happened | None) -> Happened | None:
        """The same, of a handler that came to this, or to nothing."""
        if self.why is None or isinstance(happened, Returned):
            return happened
        match self.why:
            case Why.ASKED:
                return happened if isinstance(happened, GaveUp) else GaveUp()
            case Why.STOPPED:
                return Stopped(started=self.started)
            case Why.LOST:
                return None
        assert_never(self.why)
