"""One process that runs jobs for a runner, seen from the runner."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Self

from penstock.policy import Failed, Happened
from penstock.runner.messages import (
    MAX_LINE,
    Ended,
    Logged,
    Reported,
    Stop,
    Task,
    from_child,
    line_of,
)

GRACE = timedelta(seconds=2)  # between the request to stop and the end of the process
REAPED = timedelta(seconds=0.3)  # for the system to take the process away
# Not `-m`: it would put the working directory before the path that the runner has.
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from penstock.runner.child import main; main()"


class Process:
    """A process with pipes to it; at its end, whatever it has started ends with it."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen
        self._loop = asyncio.get_running_loop()
        self._lines = asyncio.StreamReader(limit=MAX_LINE)
        self._pipes: list[asyncio.BaseTransport] = []
        self._to_child: asyncio.WriteTransport | None = None
        self._lock = threading.Lock()  # around what names the process by its number
        self._reaped = False
        self._busy = False
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self.exited.add_done_callback(lambda _: self._close_pipes())
        threading.Thread(target=self._wait, name="penstock-process", daemon=True).start()

    @classmethod
    async def start(cls) -> Self:
        """A new process; it imports what the runner's sys.path offers."""
        process = cls(_spawn())
        try:
            await process._connect()
        except BaseException:
            process._abandon()
            raise
        return process

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    @property
    def is_free(self) -> bool:
        """Whether it lives and runs no job."""
        return not self._busy and not self.exited.done()

    async def run(self, task: Task, hear: Callable[[Reported | Logged], None]) -> Happened:
        """What the job came to; one whose process died has failed.

        Cancelled, it asks the job to end; one that does not within the grace ends with its process.
        """
        self._busy = True
        self._send(task)
        try:
            happened = await self._until_ended(hear)
        except asyncio.CancelledError:
            happened = await self._last_words(hear)
            if happened is None:
                raise
        return happened or Failed(error="the handler was stopped, but not by its runner")

    def kill(self) -> None:
        """It and what it has started will end at once; nothing, if it has ended."""
        with self._lock:
            if not self._reaped:
                _kill_group(self._popen.pid)

    async def _connect(self) -> None:
        if self._popen.stdin is None or self._popen.stdout is None:
            raise ValueError("the process was started without pipes")
        reading, _ = await self._loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._lines), self._popen.stdout
        )
        self._pipes.append(reading)
        self._to_child, _ = await self._loop.connect_write_pipe(
            asyncio.BaseProtocol, self._popen.stdin
        )
        self._pipes.append(self._to_child)

    def _abandon(self) -> None:
        self.kill()
        for pipe in (self._popen.stdout, self._popen.stdin)[len(self._pipes) :]:
            if pipe is not None:
                pipe.close()

    def _send(self, message: Task | Stop) -> None:
        if self._to_child is not None and not self._to_child.is_closing():
            self._to_child.write(line_of(message))

    async def _until_ended(self, hear: Callable[[Reported | Logged], None]) -> Happened | None:
        while line := await self._lines.readline():
            message = from_child(line)
            if isinstance(message, Ended):
                self._busy = False
                return message.happened
            hear(message)
        self.kill()  # it lives on where its handler has closed all files
        code = await asyncio.shield(self.exited)
        return Failed(error=f"its process {_in_words(code)}")

    async def _last_words(self, hear: Callable[[Reported | Logged], None]) -> Happened | None:
        """What a job that is asked to end still came to, within the grace; the process is free, or dead."""
        self._send(Stop())
        # Not `asyncio.timeout`: Python before 3.11.4 tells no timeout to a task that was cancelled before.
        words = asyncio.ensure_future(self._until_ended(hear))
        try:
            await asyncio.wait({words}, timeout=GRACE.total_seconds())
        finally:
            words.cancel()
        if words.done():
            return None if self._busy else words.result()
        self.kill()
        # The job may run elsewhere at once: nothing of it should run here any more.
        await asyncio.wait({self.exited}, timeout=REAPED.total_seconds())
        return None

    def _wait(self) -> None:
        """In a thread of its own: wait for the end of the process, and end what it has left behind."""
        with contextlib.suppress(
            ChildProcessError
        ):  # a handler in a thread waits for any child, or ignores SIGCHLD
            os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            # It is not reaped yet, so the group's number cannot be another's already; or its group may live on.
            _kill_group(self._popen.pid)
            code = self._popen.wait()
            self._reaped = True
        with contextlib.suppress(RuntimeError):  # the loop has gone, and with it whoever waits
            self._loop.call_soon_threadsafe(self._gone, code)

    def _gone(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)

    def _close_pipes(self) -> None:
        for pipe in self._pipes:
            pipe.close()


def _spawn() -> "subprocess.Popen[bytes]":
    # A session of its own: what a terminal sends to its group is for the runner to answer.
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        close_fds=True,
        bufsize=0,
    )


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _in_words(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}, before its job had"
    try:
        return f"died with signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"died with signal {-code}"
