"""Takes in what a program writes, without ever letting it wait, and keeps the beginning."""

import os
import selectors
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

from penstock.policy import MAX_RESULT

_CHUNK = 64 * 1024
_LAST_CHUNKS = 32  # more than a pipe can hold
_LONGEST_WAIT = 3600.0  # seconds; some weeks are more than a selector takes


class Bell:
    """Wakes whoever waits for output, from any thread; once closed it only keeps silent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rope, self.ear = socket.socketpair()
        self._rope.setblocking(False)
        self._open = True

    def ring(self) -> None:
        """Let the next wait, or the one going on, end now."""
        # Under the lock: else the number of the closed socket might already be another file's.
        with self._lock:
            if self._open:
                self._rope.send(b"!")  # two are rung at most, the buffer holds more

    def hush(self) -> None:
        """Forget that it was rung."""
        self.ear.recv(16)

    def close(self) -> None:
        """Nothing is open any more."""
        with self._lock:
            self._open = False
            self._rope.close()
            self.ear.close()


class Output:
    """The pipe that a program writes into; whoever wants to hears each piece as it comes, also what is not kept."""

    def __init__(
        self, pipe: IO[bytes], bell: Bell, hear: Callable[[bytes], None] | None = None
    ) -> None:
        self._pipe = pipe
        self._bell = bell
        self._hear = hear
        self._kept = bytearray()
        self._size = 0
        os.set_blocking(pipe.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._selector.register(bell.ear, selectors.EVENT_READ)

    @property
    def kept(self) -> bytes:
        """The beginning of the output."""
        return bytes(self._kept)

    @property
    def truncated(self) -> bool:
        """Whether there was more than was kept."""
        return self._size > len(self._kept)

    def take_in(self, seconds: float) -> None:
        """Return once something was written and taken in, the bell was rung, or the time is up, at most an hour."""
        for key, _ in self._selector.select(min(seconds, _LONGEST_WAIT)):
            if key.fileobj is self._pipe:
                self._read()
            else:
                self._bell.hush()

    def drain(self) -> None:
        """Take in what is left in the pipe, without waiting for more."""
        for _ in range(_LAST_CHUNKS):
            if not self._read():
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._selector.close()

    def _read(self) -> bool:
        """Whether there may be more."""
        try:
            data = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        if not data and self._pipe in self._selector.get_map():
            self._selector.unregister(self._pipe)
        self._size += len(data)
        self._kept += data[: MAX_RESULT - len(self._kept)]
        if data and self._hear is not None:
            self._hear(data)
        return bool(data)
