"""A private Redis: data in a temporary directory, a socket beside it, no port; what it answers is on disk.

`PENSTOCK_TEST_REDIS_URL` names a database to use instead: every key of store 0 in it is deleted. The processes of a
parallel run take the databases after it, one each.
"""

import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers import directory_for, install, running

GIVEN = "PENSTOCK_TEST_REDIS_URL"
SETTINGS = {
    "port": "0",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
}
PATIENCE = 10  # seconds until a started server must answer
PAUSE = 0.005


class Server:
    """A Redis for the tests; one of our own can be killed and started again.

    With settings beside the usual ones it is always one of our own.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = SETTINGS | dict(settings or {})
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_private(self) -> bool:
        """Whether it is ours, and may be killed."""
        return self._directory is not None

    @property
    def url(self) -> str:
        """Where it answers."""
        if self.is_private:
            return f"redis:///0?socket={self._socket}"
        return _of_this_process(os.environ[GIVEN])

    @property
    def way(self) -> str:
        """The socket of our own one."""
        return self._socket

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The URL of the given server, or of this one, which runs as long as the context."""
        if os.environ.get(GIVEN) and self._settings == SETTINGS:
            yield self.url
            return
        with directory_for(None) as self._directory:
            try:
                self.start()
                yield self.url
            finally:
                self.kill()

    def start(self) -> None:
        """It answers, with everything it had on disk."""
        assert self._directory is not None, "a given server is not ours to start"
        settings = self._settings | {"dir": str(self._directory), "unixsocket": self._socket}
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary(self._directory), *arguments],
                stdout=log,
                restore_signals=False,  # a file that may not grow is an error, and no signal that kills
            )
        self._wait()

    def kill(self) -> None:
        """It is gone, without a chance to write anything."""
        assert self._process is not None, "a given server is not ours to kill"
        self._process.kill()
        self._process.wait()

    def limit_files(self, size: int) -> None:
        """No file of it can grow beyond so many bytes, as on a full disk."""
        assert self._process is not None, "the disk of a given server is not ours to fill"
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @property
    def _socket(self) -> str:
        return f"{self._directory}/redis.sock"

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > deadline or self._process is None or self._process.poll():
                log = self._directory / "log" if self._directory else Path()
                raise RuntimeError(f"redis-server does not answer: {log.read_text()}")
            time.sleep(PAUSE)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            try:
                client.connect(self._socket)
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def _of_this_process(given: str) -> str:
    parts = urlsplit(given)
    database = int(parts.path.strip("/") or 0)
    database += int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return parts._replace(path=f"/{database}").geturl()


@contextmanager
def start() -> Iterator[str]:
    """The URL of a server for the tests: the one that is given, or a private one."""
    with Server().serve() as url:
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """One server for all tests of this process."""
    server = Server()
    with running(server.serve):
        yield server


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _binary(directory: Path) -> Path:
    found = _find(directory)
    if found is None:
        # Debian's package of the same binary that brings no service with it.
        install("redis-tools", because="no redis-server (6.2 or newer) on PATH")
        found = _find(directory)
    if found is None:
        raise RuntimeError("the package redis-tools was installed, but holds no server any more")
    return found


def _find(directory: Path) -> Path | None:
    """The server; in Debian's tools it goes by another name, and is one when called one."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    if tool := shutil.which("redis-check-rdb"):
        link = directory / "redis-server"
        link.unlink(missing_ok=True)
        link.symlink_to(tool)
        return link
    return None
