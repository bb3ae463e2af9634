"""What a job lets out while it runs, shown as it comes; neither a slow reader nor one that has gone holds it up."""

import codecs
import queue
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from penstock.cli.console import complain, printable, silence
from penstock.job import Progress

WAITING = 64  # pieces that may wait to be shown
PATIENCE = timedelta(seconds=1)  # with a reader that takes in nothing; then a piece is left out


class Live:
    """Listens to a job and shows it: its program's output on standard output, its progress on standard error.

    A thread writes, so that a terminal that stands still stops neither the job nor the renewal of its claim.
    On a terminal, control characters are written out; a file or a pipe gets what the program wrote, byte for byte.
    """

    def __init__(self, *, patience: timedelta = PATIENCE) -> None:
        self._patience = patience.total_seconds()
        self._pieces: queue.Queue[bytes | str | None] = queue.Queue(WAITING)
        self._writer = threading.Thread(target=self._write_all, name="penstock-live", daemon=True)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._last_progress = ""
        self._left_out = 0  # bytes
        self.wrote_any = False

    def wrote(self, data: bytes) -> None:
        """It will be shown soon, or, if nobody reads, be left out."""
        self.wrote_any = True
        try:
            self._pieces.put(data, timeout=self._patience)
        except queue.Full:
            self._left_out += len(data)

    def progressed(self, progress: Progress) -> None:
        """It will be shown soon, if it says something new and not too much waits to be shown before it."""
        line = f"{progress.percent:.0f} % {progress.message}".rstrip()
        if line == self._last_progress:
            return
        self._last_progress = line
        with suppress(queue.Full):
            self._pieces.put_nowait(line)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """All is shown, and the next line begins at the left."""
        self._pieces.put(None)
        self._writer.join()
        if self._left_out:
            complain(
                f"{self._left_out} bytes of output were not shown, as nobody read them in time"
            )

    def _write_all(self) -> None:
        write = self._write_plainly if sys.stdout.isatty() else _write
        last = b"\n"
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, str):
                complain(piece)
                continue
            last = piece[-1:]
            write(piece)
        if last != b"\n":
            write(b"\n")

    def _write_plainly(self, data: bytes) -> None:
        lines = self._decoder.decode(data).split("\n")
        _write("\n".join(map(_plain, lines)).encode())


def _write(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError:
        silence()


def _plain(line: str) -> str:
    return "".join(c if c in "\t\r" else printable(c) for c in line)
