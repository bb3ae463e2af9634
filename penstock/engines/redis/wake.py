"""Wakes those who wait for ready jobs: by what the server tells as it happens, and by a look from time to time.

The store counts what may have made a job ready, and tells the count to whoever listens, but not each in a burst. A
look at the count finds what was not heard: soon after something was, and from time to time, where a connection broke or
we are not allowed to listen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from penstock.engine import LastWaits
from penstock.engines.redis.listener import Listener

# Longer than the store keeps silent after it told something (parts/tell.lua).
AFTER_NEWS = timedelta(milliseconds=15)
LISTENING = timedelta(seconds=1)
DEAF = timedelta(milliseconds=100)


class Wake:
    """Waiting, and the end of waiting, in one event loop."""

    def __init__(
        self,
        listener: Listener,
        look: Callable[[], Awaitable[int]],
        pause: timedelta = LISTENING,
        pause_while_deaf: timedelta = DEAF,
    ) -> None:
        self._listener = listener
        self._look = look
        self._pause = pause
        self._pause_while_deaf = pause_while_deaf
        self._closed = False
        self._rings = 0
        self._rung = asyncio.Event()
        self._heard = 0
        self._has_news = False
        self._last_waits = LastWaits()

    async def wait(self, timeout: timedelta) -> bool:
        """True once it rings after this task last began to wait (anybody, if it never did); False at the timeout."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout.total_seconds()
        known = self._rings
        before = self._last_waits.begin(known)
        self._listener.start(self._hear)
        while before == known == self._rings and not self._closed:
            left = end - loop.time()
            if left <= 0:
                return False
            await self._sleep(min(left, self._until_look().total_seconds()))
        return True

    async def close(self) -> None:
        """Nobody waits any more, and nobody listens."""
        self._closed = True
        self._ring()
        await self._listener.close()

    def _hear(self, count: int | None) -> None:
        """The store told this count, or None where something may have been missed: whoever waits is woken."""
        if count is not None:
            self._heard = count
        self._has_news = True
        self._ring()

    def _ring(self) -> None:
        self._rings += 1
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    def _until_look(self) -> timedelta:
        if self._has_news:
            return AFTER_NEWS
        return self._pause if self._listener.is_listening else self._pause_while_deaf

    async def _sleep(self, seconds: float) -> None:
        """It rang, or we have looked."""
        rung = self._rung
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await rung.wait()
        if not rung.is_set():
            self._compare(await self._look())

    def _compare(self, count: int) -> None:
        """Ring if the store has counted what was not heard; a store that was emptied counts from the beginning."""
        self._has_news = count != self._heard
        if self._has_news:
            self._heard = count
            self._ring()
