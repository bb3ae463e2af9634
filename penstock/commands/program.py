"""Runs one program in a process group of its own, and leaves nothing of it behind."""

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from penstock.commands.output import Bell, Output

GRACE = timedelta(seconds=2)  # between the polite signal and the one that cannot be refused


class Ended(StrEnum):
    """Why a program does not run any more."""

    BY_ITSELF = "by itself"
    LATE = "late"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a program. A negative code is the signal that ended it; None: it never started."""

    ended: Ended
    exit_code: int | None = None
    output: bytes = b""  # the beginning of what it wrote to both of its outputs
    truncated: bool = False


class Program:
    """One run of a program: `run` blocks in one thread, `stop` may come from any other.

    What it writes is also told to `hear`, if given, as it comes and in the thread of `run`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        timeout: timedelta,
        hear: Callable[[bytes], None] | None = None,
    ) -> None:
        self._argv = argv
        self._environment = environment
        self._timeout = timeout
        self._hear = hear
        self._exited = threading.Event()
        self._stopped = threading.Event()
        self._bell: Bell | None = None
        self.started = False

    def run(self) -> Ran:
        """What became of the program; nobody of its process group runs any more.

        OSError where it cannot be started. A program that makes a session of its own leaves the group.
        """
        self.started = True
        self._bell = Bell()
        with contextlib.closing(self._bell) as bell:
            if self._stopped.is_set():
                return Ran(ended=Ended.STOPPED)
            with tempfile.TemporaryDirectory(
                prefix="penstock-", ignore_cleanup_errors=True
            ) as directory:
                return self._run(directory, bell)

    def stop(self) -> None:
        """Let the program be ended soon; nothing, if it has ended."""
        self._stopped.set()
        self._ring()

    def _run(self, directory: str, bell: Bell) -> Ran:
        with self._spawn(directory) as process, self._output(process, bell) as output:
            waiter = threading.Thread(target=self._wait, args=(process.pid,), daemon=True)
            waiter.start()
            try:
                ended = self._attend(process.pid, output)
            finally:
                # Its leader is not reaped yet, so the group's number cannot be another's already.
                _signal(process.pid, signal.SIGKILL)
                waiter.join()
            output.drain()
            return Ran(
                ended=ended,
                exit_code=process.wait(),
                output=output.kept,
                truncated=output.truncated,
            )

    def _spawn(self, directory: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            self._argv,
            cwd=directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            bufsize=0,
        )
        # From outside, a moment late: code between fork and exec can hang where there are threads.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        return process

    def _output(self, process: "subprocess.Popen[bytes]", bell: Bell) -> Output:
        if process.stdout is None:
            raise ValueError("the program was started without a pipe")
        return Output(process.stdout, bell, self._hear)

    def _wait(self, pid: int) -> None:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self._exited.set()
        self._ring()

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    def _attend(self, pid: int, output: Output) -> Ended:
        """Take in what it writes until it has exited, by itself or because it was asked to."""
        self._take_in(output, self._timeout, self._stopped)
        if self._exited.is_set():
            return Ended.BY_ITSELF
        ended = Ended.STOPPED if self._stopped.is_set() else Ended.LATE
        _signal(pid, signal.SIGTERM)
        self._take_in(output, GRACE, self._exited)
        return ended

    def _take_in(self, output: Output, duration: timedelta, over: threading.Event) -> None:
        """Take in what it writes until it has exited, it is over, or the time is up."""
        until = time.monotonic() + duration.total_seconds()
        while not self._exited.is_set() and not over.is_set():
            left = until - time.monotonic()
            if left <= 0:
                return
            output.take_in(left)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
