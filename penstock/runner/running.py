"""A job that is being run, and why it was stopped."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.group import Store
from penstock.handler import Context
from penstock.job import Claim
from penstock.policy import Happened


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

    def stop(self, why: Why) -> None:
        """Cancel the handler, once, for the first reason given."""
        if self.why is not None or self.finishing:
            return
        self.why = why
        self.context.cancelled.set()
        if self.task is not None:
            self.task.cancel()

    def when_free(self, free: Callable[[], None]) -> None:
        """Call `free` once nothing of the job runs any more: a thread cannot be killed, so its slot stays taken."""
        thread = self.context.thread
        if thread is None or thread.done():
            free()
            return
        thread.add_done_callback(lambda _: free())
