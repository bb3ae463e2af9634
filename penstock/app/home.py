"""The loop where a Penstock is open: calls from other threads and loops are carried there, their answers back."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeAlias, TypeVar

from penstock.errors import EngineUnavailable

GRACE = timedelta(seconds=5)  # for calls from elsewhere to end when the home is left

T = TypeVar("T")
Ask: TypeAlias = Callable[[], Awaitable[T]]


class Home:
    """The loop that runs in this thread now, until it is left."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._process = os.getpid()
        self._guard = threading.Lock()
        self._calls = 0
        self._tasks: set[asyncio.Task[object]] = set()
        self._open: asyncio.Future[None] = self._loop.create_future()
        self._quiet = asyncio.Event()
        self._leaving = False
        self._cut = False
        self.gone = threading.Event()

    @property
    def is_here(self) -> bool:
        """Whether the loop that runs now is this one; to be asked by coroutines."""
        return self._loop is asyncio.get_running_loop() and self._process == os.getpid()

    @property
    def is_own_thread(self) -> bool:
        """Whether the home could answer nothing while this thread waits."""
        return self._thread == threading.get_ident() and self._process == os.getpid()

    def opened(self) -> None:
        """Let the calls begin that have come so far; to be told at home."""
        self._open.set_result(None)

    async def settled(self) -> None:
        """It is known whether it could be opened; to be awaited at home."""
        if not self._open.done():
            await asyncio.wait({self._open})

    async def answers(self) -> bool:
        """Whether it is open and nobody leaves it, once that is known; to be asked at home."""
        await self.settled()
        return not self._leaving

    def ask(self, make: Ask[T]) -> "Future[T] | None":
        """The answer to come; None where the home is being left: wait until it is gone, and ask elsewhere.

        RuntimeError where nobody would ever answer.
        """
        self._refuse_fork()  # at first: in a child the guard may be held for ever, and who leaves will never be gone
        with self._guard:
            if self._leaving:
                return None
            self.refuse_silence()
            future = asyncio.run_coroutine_threadsafe(self._answer(make), self._loop)
            self._calls += 1
        future.add_done_callback(self._answered)
        return future

    def refuse_silence(self) -> None:
        """RuntimeError where nobody would ever answer, saying why."""
        self._refuse_fork()
        if not self._loop.is_running():
            raise RuntimeError(
                "the loop where Penstock was opened has ended without closing it; use `async with penstock:`"
            )

    def _refuse_fork(self) -> None:
        if self._process != os.getpid():
            raise RuntimeError(
                "this process was forked while Penstock was open in its parent, and what was opened there must not "
                "be used here; fork before `async with penstock:`, or start the process by spawn"
            )

    async def leave(self) -> None:
        """No call is under way any more, and none will come; what takes longer than the grace is cut off."""
        with self._guard:
            self._leaving = True
            if not self._calls:
                self._quiet.set()
        if not self._open.done():
            self._open.cancel()
        # Not `asyncio.timeout`: Python before 3.11.4 tells no timeout to a task that was cancelled before.
        quiet = asyncio.ensure_future(self._quiet.wait())
        try:
            await asyncio.wait({quiet}, timeout=GRACE.total_seconds())
        finally:
            quiet.cancel()
        self._cut = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE.total_seconds())

    async def _answer(self, make: Ask[T]) -> T:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.shield(self._open)
            return await make()
        except asyncio.CancelledError as error:
            if self._cut or self._open.cancelled():
                raise EngineUnavailable("Penstock was closed before it could answer") from error
            raise
        except (KeyboardInterrupt, SystemExit) as error:
            # It would end the loop, and everybody's home with it.
            raise RuntimeError(f"a call to Penstock raised {type(error).__name__}") from error

    def _answered(self, future: "Future[T]") -> None:
        with self._guard:
            self._calls -= 1
            if self._leaving and not self._calls:
                with contextlib.suppress(RuntimeError):  # it was too late, and the loop is closed
                    self._loop.call_soon_threadsafe(self._quiet.set)
