"""What a job lets out while it runs, shown as it comes; neither a slow reader nor one that has gone holds it up."""

import codecs
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from datetime import timedelta
from functools import partial
from io import TextIOWrapper
from types import TracebackType
from typing import Self

from penstock.cli.console import complain, printable, silence
from penstock.job import Progress

WAITING = 64  # pieces that may wait to be shown
PATIENCE = timedelta(seconds=1)  # with a reader that takes in nothing; then a piece is left out


class Live:
    """Shows what a job lets out: what its handler prints and its program writes on standard output, its progress on
    standard error.

    A thread writes, so that a terminal that stands still stops neither the job nor the renewal of its claim. Of
    a program, a terminal gets control characters written out, a file or a pipe each byte as it is.
    """

    def __init__(self, *, patience: timedelta = PATIENCE) -> None:
        self._patience = patience.total_seconds()
        self._out = sys.stdout
        self._printed = _Printed(self._print)
        self._redirected = redirect_stdout(self._printed)
        self._pieces: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING)
        self._writer = threading.Thread(target=self._write_all, name="penstock-live", daemon=True)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._last = b""
        self._last_progress = ""
        self._left_out = 0  # bytes
        self.wrote_any = False  # of a program

    def wrote(self, data: bytes) -> None:
        """It will be shown soon, or, if nobody reads, be left out."""
        self.wrote_any = True
        write = self._write_plainly if self._out.isatty() else self._write
        self._put(partial(write, data), len(data))

    def progressed(self, progress: Progress) -> None:
        """It will be shown soon, if it says something new and not too much waits to be shown before it."""
        line = f"{progress.percent:.0f} % {progress.message}".rstrip()
        if line == self._last_progress:
            return
        self._last_progress = line
        with suppress(queue.Full):
            self._pieces.put_nowait(partial(complain, line))

    def __enter__(self) -> Self:
        self._writer.start()
        self._redirected.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """All is shown, and the next line begins at the left."""
        self._redirected.__exit__(kind, error, traceback)
        self._printed.detach()  # else it would close what is not its own
        self._pieces.put(None)
        self._writer.join()
        if self._left_out:
            complain(
                f"{self._left_out} bytes of output were not shown, as nobody read them in time"
            )

    def _print(self, text: str) -> None:
        data = text.encode(self._out.encoding, "backslashreplace")
        self._put(partial(self._write, data), len(data))

    def _put(self, show: Callable[[], None], size: int) -> None:
        try:
            self._pieces.put(show, timeout=self._patience)
        except queue.Full:
            self._left_out += size

    def _write_all(self) -> None:
        while (show := self._pieces.get()) is not None:
            show()
        if self._last not in {b"", b"\n"}:
            self._write(b"\n")

    def _write_plainly(self, data: bytes) -> None:
        lines = self._decoder.decode(data).split("\n")
        self._write("\n".join(map(_plain, lines)).encode())

    def _write(self, data: bytes) -> None:
        self._last = data[-1:] or self._last
        try:
            self._out.buffer.write(data)
            self._out.buffer.flush()
        except OSError:
            silence()


class _Printed(TextIOWrapper):
    """The standard output of handlers: hands over what they print. Its `buffer` is the real one's."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(sys.stdout.buffer, encoding=sys.stdout.encoding)
        self._show = show

    def write(self, s: str, /) -> int:
        """It will be shown soon."""
        self._show(s)
        return len(s)


def _plain(line: str) -> str:
    return "".join(c if c in "\t\r" else printable(c) for c in line)
