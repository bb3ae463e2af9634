"""Wakes those who wait for ready jobs: in this process at once, for what others did by looking now and then.

The store counts the commits that may have made a job ready. Nothing wakes a client of MariaDB.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from weakref import WeakKeyDictionary

SHORTEST = timedelta(milliseconds=5)  # between two looks at the store, after something happened
LONGEST = timedelta(milliseconds=200)  # after a while in which nothing did
GROWTH = 1.5


class Wake:
    """Waiting, and the end of waiting."""

    def __init__(self, count: int, look: Callable[[], Awaitable[int]]) -> None:
        self._count = count  # of the store, when it was last looked at
        self._look = look
        self._times = 0  # how often there was something to tell
        self._closed = False
        self._pause = SHORTEST
        self._looked_at = 0.0
        self._looking = asyncio.Lock()
        self._lock = threading.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._last = 0
        # Of each task its own: else one that comes back from work would miss what another was woken by.
        self._last_of: WeakKeyDictionary[asyncio.Task[object], int] = WeakKeyDictionary()

    def committed(self) -> None:
        """A commit of this process may have made a job ready."""
        self._tell()

    async def wait(self, timeout: timedelta) -> bool:
        """True once there was something to tell since this task's last wait began, or anybody's if it is the first."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout.total_seconds()
        before, known = self._begin()
        if before < known:
            return True
        while not self._is_over(known):
            await self._look_again(known)
            left = end - loop.time()
            if self._is_over(known):
                break
            if left <= 0:
                return False
            await self._sleep(known, min(left, self._pause.total_seconds()))
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

    async def _sleep(self, known: int, seconds: float) -> None:
        rung = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._is_over(known):
                return
            self._waiting.add(rung)
        try:
            async with asyncio.timeout(seconds):
                await rung
        except TimeoutError:
            return
        finally:
            with self._lock:
                self._waiting.discard(rung)

    def _ring(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for rung in waiting:
            # A closed loop has no one who waits.
            with suppress(RuntimeError):
                rung.get_loop().call_soon_threadsafe(_wake, rung)

    def _begin(self) -> tuple[int, int]:
        """How often there was something to tell at the start of the last wait, and now."""
        task = asyncio.current_task()
        before, self._last = self._last, self._times
        if task is not None:
            before = self._last_of.get(task, before)
            self._last_of[task] = self._last
        return before, self._last


def _wake(rung: asyncio.Future[None]) -> None:
    if not rung.done():
        rung.set_result(None)
