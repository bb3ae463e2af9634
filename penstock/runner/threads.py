"""Threads for handlers that block: one that never returns holds up neither the runner's end nor the process's."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Executor):
    """A thread for each call that runs, kept for the next; whoever calls bounds how many there are.

    The standard library's pool is waited for at the end of the process, however long its calls take.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._count = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """The call runs; the future tells how it ends. To be called from one thread."""
        future: Future[T] = Future()
        self._calls.put(partial(_run, future, partial(fn, *args, **kwargs)))
        if not self._idle.acquire(blocking=False):
            self._count += 1
            threading.Thread(target=self._work, name="penstock-job", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Each thread ends once its call has; nobody waits for that, whatever is asked."""
        for _ in range(self._count):
            self._calls.put(None)
        self._count = 0

    def _work(self) -> None:
        while call := self._calls.get():
            call()
            del call  # what a job has left must not live until the next
            self._idle.release()


class Calls(Executor):
    """No threads at all: calls wait until a thread that is there serves them, one after another."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """The call will run; the future tells how it ends."""
        future: Future[T] = Future()
        self._calls.put(partial(_run, future, partial(fn, *args, **kwargs)))
        return future

    def serve(self) -> None:
        """All calls have run, and there will be no more."""
        while call := self._calls.get():
            call()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Whoever serves is free once the calls until now have run."""
        self._calls.put(None)


def _run(future: "Future[T]", call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - told to whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)
