"""The one home of a Penstock: the loop that has opened it, or a thread of its own from its first use on."""

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakMethod

from penstock.app.background import Background
from penstock.app.home import Ask, Home

T = TypeVar("T")


class Edge:
    """Carries calls home, whatever thread or loop they come from.

    `open` and `close` are called at home; `hurry` before the close, to let those go who only wait. A thread that was
    started here is closed before a fork and at the end of the process, and opened again where it is used again: a
    store must not be open on both sides of a fork.
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[None]],
        hurry: Callable[[], None],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._open = open
        self._hurry = hurry
        self._close = close
        self._lock = threading.Lock()
        self._home: Home | None = None
        self._background: Background | None = None
        self._watches_forks = False
        self._forking = False

    async def enter(self) -> None:
        """It is open at this loop, the home from now on; closed before where it was open in a thread.

        Nothing is done where another task of this loop has opened it, or opens it now: then that is waited for.
        RuntimeError where it is open at another loop.
        """
        home = Home()
        while not self._settle(home):
            here = self._home
            if here is None or not here.is_here:
                await asyncio.to_thread(self.end)
            elif await here.answers():
                return
            else:
                await asyncio.to_thread(here.gone.wait)
        try:
            await self._open()
        except BaseException:
            await self._go(home)
            raise
        home.opened()

    async def leave(self) -> None:
        """It is closed; nothing is done where it was not open. RuntimeError where it is open elsewhere."""
        home = self._home
        if home is None:
            return
        if self._background is not None:
            await asyncio.to_thread(self.end)
        elif not home.is_here:
            raise RuntimeError("Penstock is open at another loop; close it there")
        elif await home.answers():
            await self._go(home)
        else:  # another task closes it, or could not open it
            await asyncio.to_thread(home.gone.wait)

    async def carry(self, make: Ask[T]) -> T:
        """What is answered at home. To be called by coroutines at any loop."""
        home = self._home
        if home is not None and home.is_here:
            await home.settled()
            return await make()
        future = home.ask(make) if home is not None else None
        if future is None:
            future = await asyncio.to_thread(self._ask, make)
        return await asyncio.wrap_future(future)

    def wait_for(self, make: Ask[T]) -> T:
        """What is answered at home, for a thread that may block.

        RuntimeError in the home's own thread, which would wait for itself.
        """
        home = self._home
        if home is not None and home.is_own_thread:
            raise RuntimeError(
                "Penstock is open in this thread's event loop, which would wait for itself for ever; "
                "use `await penstock.push(...)` here, without `sync`"
            )
        future = self._ask(make)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def end(self) -> None:
        """The thread, if there is one, has closed what it opened, and has ended."""
        background = self._background
        if background is not None and background.is_own_thread:
            raise RuntimeError(
                "Penstock's own thread cannot wait for its end; call close_sync() elsewhere"
            )
        with self._lock:
            self._end()

    def _settle(self, home: Home) -> bool:
        """Whether this is the home now; if not, what is in the way must be ended first."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._home is None:
                self._home = home
                return True
            if self._background is None and not self._home.is_here:
                self._home.refuse_silence()
                raise RuntimeError("Penstock is open at another loop; one Penstock has one home")
            return False
        finally:
            self._lock.release()

    async def _go(self, home: Home) -> None:
        self._hurry()
        try:
            await home.leave()
        finally:
            await self._give_up(home)

    def _ask(self, make: Ask[T]) -> "Future[T]":
        while True:
            home = self._home
            if home is None:
                with self._lock:
                    home = self._home or self._begin()
            future = home.ask(make)
            if future is not None:
                return future
            home.gone.wait()

    def _begin(self) -> Home:
        self._watch_forks()
        self._background = Background(self._opening)
        try:
            self._home = self._background.start()
        except BaseException:
            self._background = None
            raise
        atexit.register(self.end)
        return self._home

    @asynccontextmanager
    async def _opening(self) -> AsyncIterator[Home]:
        home = Home()
        try:
            await self._open()
            home.opened()
            yield home
            self._hurry()
            await home.leave()
        finally:
            await self._give_up(home)

    async def _give_up(self, home: Home) -> None:
        """It is closed, and no home any more, whatever went wrong on the way."""
        try:
            await self._close()
        finally:
            self._home = None
            home.gone.set()

    def _end(self) -> None:
        background = self._background
        if background is not None:
            atexit.unregister(self.end)
            background.stop()
            self._background = None

    def _watch_forks(self) -> None:
        if self._watches_forks:
            return
        self._watches_forks = True
        before, after = WeakMethod(self._before_fork), WeakMethod(self._after_fork)
        os.register_at_fork(
            before=lambda: _call(before),
            after_in_parent=lambda: _call(after),
            after_in_child=lambda: _call(after),
        )

    def _before_fork(self) -> None:
        background = self._background
        if background is not None and background.is_own_thread:
            return  # it cannot wait for itself; the child will be refused
        self._lock.acquire()
        self._forking = True
        self._end()

    def _after_fork(self) -> None:
        if self._forking:
            self._forking = False
            self._lock.release()


def _call(method: "WeakMethod[Callable[[], None]]") -> None:
    found = method()
    if found is not None:
        found()
