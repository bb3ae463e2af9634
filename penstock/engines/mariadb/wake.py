"""Wakes those who wait for ready jobs: in this process at once, for what others did by looking now and then.

The store counts the commits that may have made a job ready. Nothing wakes a client of MariaDB.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from penstock.engine import LastWaits

SHORTEST = timedelta(milliseconds=5)  # between two looks at the store, after something happened
LONGEST = timedelta(milliseconds=200)  # after a while in which nothing did
GROWTH = 1.5


class Wake:
    """Waiting, and the end of waiting, in one event loop."""

    def __init__(self, count: int, look: Callable[[], Awaitable[int]]) -> None:
        self._count = count  # of the store, when it was last looked at
        self._look = look
        self._times = 0  # how often there was something to tell
        self._closed = False
        self._pause = SHORTEST
        self._looked_at = 0.0
        self._looking = asyncio.Lock()
        self._rung = asyncio.Event()
        self._last_waits = LastWaits()

    def committed(self) -> None:
        """A commit of this process may have made a job ready."""
        self._tell()

    async def wait(self, timeout: timedelta) -> bool:
        """True once there was something to tell since this task's last wait began, or anybody's if it is the first."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout.total_seconds()
        known = self._times
        if self._last_waits.begin(known) < known:
            return True
        while not self._is_over(known):
            await self._look_again(known)
            left = end - loop.time()
            if self._is_over(known):
                break
            if left <= 0:
                return False
            await self._sleep(min(left, self._pause.total_seconds()))
        return True

    def end(self) -> None:
        """Nobody waits any more."""
        self._closed = True
        self._ring()

    def _is_over(self, known: int) -> bool:
        return self._times > known or self._closed

    async def _look_again(self, known: int) -> None:
        """The store was looked at within the pause, by whoever of those that wait came first."""
        async with self._looking:
            loop = asyncio.get_running_loop()
            is_due = loop.time() >= self._looked_at + self._pause.total_seconds()
            if not is_due or self._is_over(known):
                return
            count = await self._look()
            self._looked_at = loop.time()
            if count > self._count:
                self._count = count
                self._tell()
            else:
                self._pause = min(self._pause * GROWTH, LONGEST)

    def _tell(self) -> None:
        self._times += 1
        self._pause = SHORTEST
        self._ring()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()

    def _ring(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()
