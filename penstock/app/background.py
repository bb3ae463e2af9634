"""A thread with a loop of its own, where a Penstock is open for code that has no loop."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import ParamSpec, TypeVar

from penstock.app.home import Home

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=15)  # for a store that is away while it is to be closed

P = ParamSpec("P")
T = TypeVar("T")

Opening = Callable[[], AbstractAsyncContextManager[Home]]


class Background:
    """The thread; the Penstock is open from `start` to `stop`."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._home: Future[Home] = Future()
        self._stopping: Future[None] = Future()
        # Not waited for by the interpreter: it ends threads before it calls what is registered for its exit.
        self._thread = threading.Thread(target=self._work, name="penstock", daemon=True)

    @property
    def is_own_thread(self) -> bool:
        """Whether this is called in the thread itself."""
        return self._thread is threading.current_thread()

    def start(self) -> Home:
        """Where it is open now; else raises what kept it from that, or who interrupted it, and the thread has ended."""
        try:
            self._thread.start()
            return self._home.result()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """It is closed, and the thread has ended."""
        self._stopping.set_result(None)
        if self._thread.is_alive():
            self._thread.join(PATIENCE.total_seconds())
        if self._thread.is_alive():
            log.warning("a store did not let itself be closed for %s; left behind", PATIENCE)

    def _work(self) -> None:
        loop = asyncio.new_event_loop()
        pool = ThreadPoolExecutor(thread_name_prefix="pool-of-penstock")
        loop.set_default_executor(pool)
        try:
            loop.run_until_complete(self._live(loop, pool))
        except BaseException as error:  # noqa: BLE001 - told to whoever started it
            self._fail(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _fail(self, error: BaseException) -> None:
        if self._home.done():
            log.error("a store could not be closed", exc_info=error)
        else:
            self._home.set_exception(error)

    async def _live(self, loop: asyncio.AbstractEventLoop, pool: ThreadPoolExecutor) -> None:
        async with self._opening() as home:
            self._home.set_result(home)
            await asyncio.wrap_future(self._stopping)
            pool.shutdown(wait=False)
            # At the end of the interpreter no thread can be started any more, and there is nobody left to be held up.
            loop.set_default_executor(_Inline())


class _Inline(ThreadPoolExecutor):
    """Runs each call at once, in the thread that asks for it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """The call has run."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - told to whoever asked
            future.set_exception(error)
        return future
