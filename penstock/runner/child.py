"""The process in which handlers run that keep a processor busy: it serves one runner and ends with it."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from concurrent.futures import Future
from io import TextIOWrapper
from queue import SimpleQueue
from typing import IO

from penstock.handler import Context
from penstock.job import Progress, params_of
from penstock.job_class import JobHandler, found_at
from penstock.policy import Failed, Happened
from penstock.runner.executor import named, outcome_of
from penstock.runner.messages import (
    MAX_LOGGED,
    FromChild,
    Logged,
    Reported,
    Task,
    ended,
    for_child,
    line_of,
)
from penstock.runner.threads import Calls

log = logging.getLogger(__name__)


def main() -> None:
    """Run the jobs that standard input names, one after another, until it ends."""
    sys.argv[1:] = []
    _ignore_signals()
    lines, answers = _own_pipes()
    channel = Channel(answers)
    logging.getLogger().addHandler(Forward(channel))
    attempts: SimpleQueue[Attempt] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines, channel, attempts), daemon=True).start()
    while True:
        attempt = attempts.get()
        happened = attempt.run()
        _flush()
        channel.send(ended(happened))


class Channel:
    """The way to the runner; may be used from any thread."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._lock = threading.Lock()

    def send(self, message: FromChild) -> None:
        """The runner will read the message, if it still runs."""
        line = line_of(message)
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._answers.write(line)
            self._answers.flush()


class Forward(logging.Handler):
    """Hands log records to the runner, which logs them as its own."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """The runner will log it."""
        try:
            self._channel.send(self._told(record))
        except Exception:  # noqa: BLE001 - a record that cannot be told must hurt no job; logging says so itself
            self.handleError(record)

    def _told(self, record: logging.LogRecord) -> Logged:
        traceback = self._formatter.formatException(record.exc_info) if record.exc_info else ""
        return Logged(
            name=record.name,
            level=record.levelno,
            message=_clean(record.getMessage()[:MAX_LOGGED]),
            traceback=_clean(traceback[-MAX_LOGGED:]),
            of_job=hasattr(record, "job_id"),
        )


class Attempt:
    """One job in this process: `run` in the main thread, `stop` from another.

    A handler that blocks has the main thread to itself, as what it calls may need it, and may need that no event loop
    runs there: the loop has a thread beside it.
    """

    def __init__(self, task: Task, channel: Channel) -> None:
        self._task = task
        self._channel = channel
        self._over = False
        self._stopped = threading.Event()
        self._work: asyncio.Task[Happened | None] | None = None
        self._blocks = True
        self._lock = threading.Lock()
        self._calls = Calls()
        self._came_to: Future[Happened | None] = Future()
        self._context = Context(
            job=task.job,
            params={},
            idempotency_key=task.idempotency_key,
            threads=self._calls,
            reported=self._report,
        )

    def run(self) -> Happened | None:
        """What the job came to; None where it was stopped before it came to anything."""
        logging.getLogger().setLevel(self._task.level)
        try:
            handler = JobHandler(found_at(self._task.place))
            self._context.params = params_of(self._task.job)
        except Exception as error:
            log.warning("cannot run %s", self._task.place, exc_info=error)
            return Failed(error=f"cannot run: {named(error)}")
        threading.Thread(target=self._loop, args=(handler,), name="loop", daemon=True).start()
        self._calls.serve()
        self._over = True
        return self._came_to.result()

    def stop(self) -> None:
        """Let the job end soon: what awaits is cancelled, what blocks may look at `cancelled`."""
        with self._lock:
            self._stopped.set()
            if self._blocks:
                self._context.cancelled.set()
            elif self._work is not None:
                self._work.get_loop().call_soon_threadsafe(self._cancel)

    def _loop(self, handler: JobHandler) -> None:
        try:
            self._came_to.set_result(asyncio.run(self._outcome(handler)))
        except BaseException as error:  # noqa: BLE001 - raised where `run` is called
            self._came_to.set_exception(error)
        finally:
            self._calls.shutdown()

    async def _outcome(self, handler: JobHandler) -> Happened | None:
        with self._lock:
            self._work = asyncio.current_task()
            self._blocks = handler.blocks
            if self._stopped.is_set():
                return None
        try:
            return await outcome_of(handler, self._context)
        except asyncio.CancelledError:
            if self._stopped.is_set():
                return None
            return Failed(error="CancelledError: the handler was cancelled, but not by its runner")
        finally:
            with self._lock:
                self._work = None  # its loop closes: a stop that comes now has nothing to stop

    def _cancel(self) -> None:
        self._context.cancelled.set()
        if self._work is not None:
            self._work.cancel()

    def _report(self, progress: Progress) -> None:
        if not self._over:
            self._channel.send(Reported(percent=progress.percent, message=progress.message))


def _ignore_signals() -> None:
    """A terminal and a service manager signal all processes of a service: the runner alone says when we end.

    A handler that does nothing, as programs that a job starts would inherit what is ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes from and to the runner, kept for ourselves: whatever a handler prints goes to standard error."""
    lines = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    return lines, answers


def _listen(lines: IO[bytes], channel: Channel, attempts: "SimpleQueue[Attempt]") -> None:
    """Take in what the runner says; its end is ours, and that of all that our jobs have started."""
    latest: Attempt | None = None
    try:
        for line in lines:
            message = for_child(line)
            if isinstance(message, Task):
                latest = Attempt(message, channel)
                attempts.put(latest)
            elif latest is not None:
                latest.stop()
    finally:
        os.killpg(0, signal.SIGKILL)


def _flush() -> None:
    """What was printed is seen before the job has ended."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
