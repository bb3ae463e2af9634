"""Processes write in turns.

SQLite alone lets a process ask again after growing pauses; under load some ask for seconds and the disk rests.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MODE = 0o600
_PATIENCE_SECONDS = 1.0


class Turn:
    """The right to write next; the system takes it back from a process that dies.

    It keeps order, not safety: that is SQLite's lock. Whoever is next holds `next`, so that nobody overtakes him.
    """

    def __init__(self, directory: Path, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._next = os.open(directory / "next.lock", os.O_RDWR | os.O_CREAT, _MODE)
        self._now = os.open(directory / "now.lock", os.O_RDWR | os.O_CREAT, _MODE)
        self._mutex = threading.Lock()
        self._came = threading.Event()
        self._in_line = False
        self._wanted = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """It is our turn inside, after those before us; unless they take too long: then nobody keeps order."""
        ours = self._take()
        try:
            yield
        finally:
            if ours:
                self._leave()

    def close(self) -> None:
        """Nothing is held any more."""
        # A thread that still waits with them needs the numbers not to be given to other files.
        if not self._in_line:
            os.close(self._now)
            os.close(self._next)

    def _take(self) -> bool:
        # Those before us may have been stopped for minutes: they are not waited for twice.
        if self._in_line:
            return False
        if self._take_at_once():
            return True
        self._line_up()
        self._came.wait(self._patience)
        with self._mutex:
            self._wanted = self._came.is_set()
            return self._wanted

    def _leave(self) -> None:
        fcntl.flock(self._now, fcntl.LOCK_UN)

    def _take_at_once(self) -> bool:
        with suppress(BlockingIOError):
            fcntl.flock(self._next, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                fcntl.flock(self._now, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            finally:
                fcntl.flock(self._next, fcntl.LOCK_UN)
        return False

    def _line_up(self) -> None:
        self._in_line = self._wanted = True
        self._came.clear()
        # These locks know no timeout: only a thread that may be left behind can wait for them.
        threading.Thread(
            target=self._wait_in_line, name="penstock-sqlite-turn", daemon=True
        ).start()

    def _wait_in_line(self) -> None:
        fcntl.flock(self._next, fcntl.LOCK_EX)
        fcntl.flock(self._now, fcntl.LOCK_EX)
        fcntl.flock(self._next, fcntl.LOCK_UN)
        with self._mutex:
            self._in_line = False
            if self._wanted:
                self._came.set()
                return
        self._leave()
