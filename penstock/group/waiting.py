"""Waiting for ready jobs: each store is asked once, however many wait for it in this process.

An engine ends a wait for whatever happened since the wait before it began, whoever that was of. So all waits of one
process must be one; what came of it is counted, and each who waits knows which count he knew when he last looked.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

from penstock.errors import EngineError, EngineUnavailable

log = logging.getLogger(__name__)

TURN = timedelta(seconds=30)  # of one wait of an engine, while somebody waits
AWAY = timedelta(seconds=1)  # until one that cannot be reached is looked at again

Wait: TypeAlias = Callable[[timedelta], Awaitable[bool]]


def patient(wait: Wait) -> Wait:
    """The wait for a store that others can do without: while it is away nobody is told but to look now and then."""

    async def wait_patiently(timeout: timedelta) -> bool:
        try:
            return await wait(timeout)
        except EngineUnavailable:
            await asyncio.sleep(AWAY.total_seconds())
            return True

    return wait_patiently


class Pump:
    """Waits for one store, while anybody listens."""

    def __init__(self, wait: Wait) -> None:
        self._wait_for = wait
        self._bells: set[asyncio.Future[None]] = set()
        self._waiting: asyncio.Task[None] | None = None
        self.times = 0  # that a job may have become ready, as far as somebody waited for it

    def join(self, bell: asyncio.Future[None]) -> None:
        """The bell is rung once a job may be ready; or carries why nobody can tell."""
        self._bells.add(bell)
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._wait())

    def leave(self, bell: asyncio.Future[None]) -> set[asyncio.Task[None]]:
        """The bell is not rung any more; where it was the last, the wait is cancelled: that is the answer.

        What ended the wait in the same moment ends the next one: engines count from the beginning of a wait.
        """
        self._bells.discard(bell)
        if self._waiting is None or self._bells:
            return set()
        waiting, self._waiting = self._waiting, None
        waiting.cancel()
        return {waiting}

    async def _wait(self) -> None:
        """One wait, with an end for all who listen."""
        try:
            while not await self._wait_for(TURN):
                pass
        except EngineError as error:
            self._end(error)
        except Exception as error:
            log.exception("cannot wait for ready jobs")
            self._end(error)
        else:
            self.times += 1
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        bells, self._bells = self._bells, set()
        self._waiting = None
        for bell in bells:
            if bell.done():
                continue
            if error is None:
                bell.set_result(None)
            else:
                bell.set_exception(error)


class Waiter:
    """One who looks for ready jobs and waits, in turns: what happens from a look on ends the wait after it."""

    def __init__(self, pumps: Sequence[Pump]) -> None:
        self._pumps = pumps
        self._seen = self._times()
        self._nudged = False
        self._bell: asyncio.Future[None] | None = None

    async def wait(self, timeout: timedelta) -> bool:
        """True soon after a job may have become ready since the last wait ended, or at a nudge; False at the timeout.

        Raises what a store raises that cannot be waited for.
        """
        try:
            if not self._is_told():
                await self._listen(timeout)
            return self._is_told()
        finally:
            self._seen, self._nudged = self._times(), False

    def nudge(self) -> None:
        """End the wait of now, or else the next one."""
        self._nudged = True
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def _listen(self, timeout: timedelta) -> None:
        self._bell = bell = asyncio.get_running_loop().create_future()
        for pump in self._pumps:
            pump.join(bell)
        try:
            await asyncio.wait({bell}, timeout=timeout.total_seconds())
            if bell.done():
                bell.result()
        finally:
            self._bell = None
            await self._leave(bell)

    async def _leave(self, bell: asyncio.Future[None]) -> None:
        cancelled = set[asyncio.Task[None]]().union(*(pump.leave(bell) for pump in self._pumps))
        if not bell.cancel() and not bell.cancelled():
            bell.exception()  # whoever was cancelled in the same moment does not ask for it
        if cancelled:
            await asyncio.wait(cancelled)

    def _is_told(self) -> bool:
        return self._nudged or self._times() != self._seen

    def _times(self) -> Sequence[int]:
        return [pump.times for pump in self._pumps]
