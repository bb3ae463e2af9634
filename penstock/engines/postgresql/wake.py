"""Wakes those who wait for ready jobs: by what the server tells at a commit, and by a look from time to time.

The store counts what may have made a job ready, and tells the count to whoever listens, but not each in a burst. A
look at the count finds what was not heard: soon after something was, and from time to time, where a connection broke or
a pooler keeps notifications to itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from penstock.engine import LastWaits
from penstock.errors import EngineError

BETWEEN_LOOKS = timedelta(seconds=1)
# Longer than the store keeps silent after it told something.
AFTER_NEWS = timedelta(milliseconds=25)
# The count rises before its commit; whoever looks in between finds no job yet, and is woken again at the next looks.
DOUBTS = 2


class Wake:
    """Waiting, and the end of waiting, in one event loop."""

    def __init__(
        self,
        listen: Callable[[], Awaitable[None]],
        look: Callable[[], Awaitable[int]],
        pause: timedelta = BETWEEN_LOOKS,
        pause_after_news: timedelta = AFTER_NEWS,
    ) -> None:
        self._listen = listen
        self._look = look
        self._pause = pause
        self._pause_after_news = pause_after_news
        self._closed = True
        self._rings = 0
        self._rung = asyncio.Event()
        self._heard = 0
        self._has_news = False
        self._doubts = 0
        self._last_waits = LastWaits()

    def hear(self, count: int) -> None:
        """The server told this count: whoever waits is woken."""
        self._heard = max(self._heard, count)
        self._has_news = True
        self._doubts = max(self._doubts, 1)
        self.ring()

    def ring(self) -> None:
        """Whoever waits is woken."""
        self._rings += 1
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def wait(self, timeout: timedelta) -> bool:
        """True once it rings after this task last began to wait (anybody, if it never did); False at the timeout."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout.total_seconds()
        if self._closed:
            raise EngineError("the postgresql engine is not open; call open() first")
        known = self._rings
        before = self._last_waits.begin(known)
        await self._listen()
        while before == known == self._rings and not self._closed:
            left = end - loop.time()
            if left <= 0:
                return False
            pause = self._pause_after_news if self._has_news else self._pause
            await self._sleep(min(left, pause.total_seconds()))
        return True

    def open(self) -> None:
        """One may wait."""
        self._closed = False

    def close(self) -> None:
        """Nobody waits any more."""
        self._closed = True
        self.ring()

    async def _sleep(self, seconds: float) -> None:
        """It rang, or we have looked."""
        rung = self._rung
        try:
            async with asyncio.timeout(seconds):
                await rung.wait()
        except TimeoutError:
            # Closed just then: a session that is opened now would be closed by nobody.
            if self._closed:
                return
            await self._listen()
            self._compare(await self._look())

    def _compare(self, count: int) -> None:
        """Ring if the store counted what was not heard, and at the next looks again."""
        self._has_news = count > self._heard
        self._heard = count  # anybody may have told a higher one
        if self._has_news:
            self._doubts = DOUBTS
            self.ring()
        elif self._doubts:
            self._doubts -= 1
            self.ring()
