"""What a partition was to be told and may not know yet: told again before it is asked anything else."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from penstock.engine import Engine, Registration
from penstock.job import QueueKey

# Seconds. Meanwhile another process may have said otherwise; whoever asked was told that it was not heard.
OUTDATED = 600.0
REMEMBERED = 10_000  # roots; of more, the first are forgotten, and their older families run


@dataclass(frozen=True, slots=True)
class _Word:
    """Whether a queue is to be paused, and when that was said."""

    paused: bool
    at: float


class Missed:
    """The last word on each matter, until it was heard. `now` tells monotonic seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._paused: dict[QueueKey, _Word] = {}
        self._roots: dict[tuple[QueueKey, str], Registration] = {}
        self._telling = asyncio.Lock()

    def pause(self, queues: Collection[QueueKey]) -> None:
        """These are to be paused."""
        self._paused.update({queue: _Word(True, self._now()) for queue in queues})

    def resume(self, queues: Collection[QueueKey]) -> None:
        """These are to be resumed."""
        self._paused.update({queue: _Word(False, self._now()) for queue in queues})

    def register(self, registrations: Sequence[Registration]) -> None:
        """These roots are to be known."""
        for each in registrations:
            key = each.queue, each.root.signature
            known = self._roots.get(key)
            if known is None or known.root.timestamp < each.root.timestamp:
                self._roots[key] = each
        while len(self._roots) > REMEMBERED:
            del self._roots[next(iter(self._roots))]

    async def tell(self, engine: Engine) -> None:
        """The partition knows all of it. Raises what the engine raises; what was not heard stays to be told."""
        # One at a time: an older word must not come after a newer one.
        while self._paused or self._roots:
            async with self._telling:
                await self._tell_pauses(engine)
                await self._tell_roots(engine)

    async def _tell_pauses(self, engine: Engine) -> None:
        told = dict(self._paused)
        fresh = {queue: word for queue, word in told.items() if self._now() - word.at < OUTDATED}
        pauses = [queue for queue, word in fresh.items() if word.paused]
        resumes = [queue for queue, word in fresh.items() if not word.paused]
        if pauses:
            await engine.pause(pauses)
        if resumes:
            await engine.resume(resumes)
        for queue, word in told.items():
            if self._paused.get(queue) is word:
                del self._paused[queue]

    async def _tell_roots(self, engine: Engine) -> None:
        told = dict(self._roots)
        if told:
            await engine.register(list(told.values()))
        for key, registration in told.items():
            if self._roots.get(key) is registration:
                del self._roots[key]
