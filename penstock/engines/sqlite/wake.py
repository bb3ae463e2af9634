"""Wakes those who wait for ready jobs: in this process at once, in others by a datagram to their sockets.

The store counts the commits that may have made a job ready. Whoever waits compares that count with the one he knew;
a datagram carries it, and reading it from the store from time to time finds what no datagram told.
"""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

from penstock.engine import LastWaits

ASLEEP = timedelta(seconds=1)  # between looks at the store, where datagrams come
WATCHFUL = timedelta(milliseconds=50)  # where none can come

_BYTES = 8
_SUFFIX = ".socket"


class Mailbox:
    """A socket of this process in a directory that all processes of one store share."""

    def __init__(self, directory: Path) -> None:
        # Addressed by way of the open directory: a socket's path may have 107 bytes only.
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self._name = f"{os.getpid()}-{token_hex(4)}{_SUFFIX}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind(self._address(self._name))
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """The socket, for an event loop to watch."""
        return self._socket.fileno()

    def tell(self, count: int) -> None:
        """All other processes have the count in their mailbox, unless theirs is full: then they wake anyway."""
        text = count.to_bytes(_BYTES, "big")
        for name in self._names():
            if name != self._name and name.endswith(_SUFFIX):
                self._send(text, name)

    def heard(self) -> int:
        """The highest count that was told since it was last asked; 0 for none."""
        highest = 0
        with suppress(BlockingIOError):
            while True:
                highest = max(highest, int.from_bytes(self._socket.recv(_BYTES), "big"))
        return highest

    def close(self) -> None:
        """Nothing is left of it."""
        self._socket.close()
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._directory)
        os.close(self._directory)

    def _names(self) -> Sequence[str]:
        try:
            return os.listdir(self._directory)
        except OSError:
            return ()  # the commit stands; the others will look into the store

    def _send(self, text: bytes, name: str) -> None:
        try:
            self._socket.sendto(text, self._address(name))
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:  # its process is dead
                self._remove(name)

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=self._directory)

    def _address(self, name: str) -> str:
        return f"/proc/self/fd/{self._directory}/{name}"


class Wake:
    """Waiting, and the end of waiting."""

    def __init__(
        self,
        count: int,
        look: Callable[[], Awaitable[int]],
        mailbox: Mailbox | None,
        pause: timedelta,
    ) -> None:
        self._count = count
        self._look = look
        self._mailbox = mailbox
        self._pause = pause
        self._closed = False
        self._lock = threading.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._listeners = 0
        self._last_waits = LastWaits(count)

    def committed(self, before: int, after: int) -> None:
        """A commit of this process changed the count, or not; from any thread."""
        if after > before and self._mailbox is not None:
            self._mailbox.tell(after)
        self._hear(after)

    async def wait(self, timeout: timedelta) -> bool:
        """True once the count rises above what it was when this task last began to wait (anybody, if it never did)."""
        with self._listening():
            known = self._count
            if self._last_waits.begin(known) < known:
                return True
            return await self._risen_above(known, timeout.total_seconds())

    def end(self) -> None:
        """Nobody waits any more."""
        self._closed = True
        self._ring()
        if self._mailbox is not None and self._listeners:
            asyncio.get_running_loop().remove_reader(self._mailbox)
            self._listeners = 0

    async def _risen_above(self, known: int, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self._is_over(known):
            left = end - loop.time()
            if left <= 0:
                return False
            await self._sleep(known, min(left, self._pause.total_seconds()))
            if not self._is_over(known):
                self._hear(await self._look())
        return True

    def _is_over(self, known: int) -> bool:
        return self._count > known or self._closed

    async def _sleep(self, known: int, seconds: float) -> None:
        rung = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._is_over(known):
                return
            self._waiting.add(rung)
        try:
            async with asyncio.timeout(seconds):
                await rung
        except TimeoutError:
            return
        finally:
            with self._lock:
                self._waiting.discard(rung)

    def _hear(self, count: int) -> None:
        with self._lock:
            if count <= self._count:
                return
            self._count = count
        self._ring()

    def _ring(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for rung in waiting:
            # A closed loop has no one who waits.
            with suppress(RuntimeError):
                rung.get_loop().call_soon_threadsafe(_wake, rung)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """The mailbox is read at once and watched by the loop; nobody reads it while nobody waits."""
        if self._mailbox is None or self._closed:
            yield
            return
        self._read()
        if self._listeners == 0:
            asyncio.get_running_loop().add_reader(self._mailbox, self._read)
        self._listeners += 1
        try:
            yield
        finally:
            self._stop_listening(self._mailbox)

    def _stop_listening(self, mailbox: Mailbox) -> None:
        if self._closed:
            return
        self._listeners -= 1
        if self._listeners == 0:
            asyncio.get_running_loop().remove_reader(mailbox)

    def _read(self) -> None:
        if self._mailbox is not None:
            self._hear(self._mailbox.heard())


def _wake(rung: asyncio.Future[None]) -> None:
    if not rung.done():
        rung.set_result(None)
