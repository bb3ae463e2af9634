"""A private PostgreSQL: data in a temporary directory, a socket beside it, no port.

`PENSTOCK_TEST_POSTGRESQL_URL` names a server to use instead; a database is made there, and dropped at the end.
"""

import asyncio
import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.servers import call, directory_for, install, unprivileged

GIVEN = "PENSTOCK_TEST_POSTGRESQL_URL"
OLDEST = 15
USER = "penstock"
INITDB = ["--username", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    # Short, so that a deadlock costs a test less than its patience.
    "deadlock_timeout": "200ms",
}
PATIENCE = 10  # seconds until a killed server must be gone
PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class PrivateServer:
    """A PostgreSQL that belongs to one run of the tests."""

    binaries: Path
    user: str | None
    directory: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://{USER}@/postgres?host={self.directory}"

    def create(self) -> None:
        """Its files are there."""
        self._call("initdb", "--pgdata", self._data, *INITDB)
        lines = [f"{name} = '{value}'\n" for name, value in SETTINGS.items()]
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines([*lines, f"unix_socket_directories = '{self.directory}'\n"])

    def start(self) -> None:
        """It answers."""
        log = self.directory / "log"
        try:
            self._call("pg_ctl", "--pgdata", self._data, "--wait", "--log", log, "start")
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log.read_text()}") from error

    def stop(self, mode: str = "fast") -> None:
        """It is gone; with the mode `immediate` as after a power cut."""
        self._call("pg_ctl", "--pgdata", self._data, "--wait", "--mode", mode, "stop")

    def kill(self) -> None:
        """All of its processes are gone, without a chance to write anything."""
        head = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        # Stopped first: nobody is born any more while the others are looked up.
        os.kill(head, signal.SIGSTOP)
        gone = [head, *_children(head)]
        for process in gone:
            os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while any(map(_runs, gone)):
            assert time.monotonic() < deadline, "a killed PostgreSQL still runs"
            time.sleep(PAUSE)
        # They name a process that counts as alive until somebody has buried it.
        (self._data / "postmaster.pid").unlink()
        Path(f"{self.way}.lock").unlink()

    @property
    def runs(self) -> bool:
        """Whether it was started and not ended since."""
        ids = self._data / "postmaster.pid"
        return ids.exists() and _runs(int(ids.read_text().split("\n", 1)[0]))

    @property
    def way(self) -> str:
        """Its socket."""
        return f"{self.directory}/.s.PGSQL.5432"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _call(self, program: str, *arguments: str | Path) -> None:
        call([self.binaries / program, *arguments], user=self.user, directory=self.directory)


@contextmanager
def private() -> Iterator[PrivateServer]:
    """A started server of one's own."""
    binaries = _binaries()
    user = unprivileged()
    with directory_for(user) as directory:
        server = PrivateServer(binaries, user, directory)
        server.create()
        server.start()
        try:
            yield server
        finally:
            if server.runs:
                server.stop("immediate")


@contextmanager
def start() -> Iterator[str]:
    """The URL of a server for the tests: the one that is given, or a private one."""
    given = os.environ.get(GIVEN)
    if given:
        with _own_database(given) as url:
            yield url
        return
    with private() as server:
        yield server.url


@contextmanager
def _own_database(url: str) -> Iterator[str]:
    name = f"penstock_test_{uuid.uuid4().hex}"
    asyncio.run(_execute(url, f"create database {name}"))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        asyncio.run(_execute(url, f"drop database {name} with (force)"))


async def _execute(url: str, statement: str) -> None:
    session = await asyncpg.connect(url)
    try:
        await session.execute(statement)
    finally:
        await session.close()


def _children(parent: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if _stat(int(place.name))[1] == str(parent):
                found.append(int(place.name))
    return found


def _runs(process: int) -> bool:
    try:
        return _stat(process)[0] != "Z"
    except OSError:
        return False


def _stat(process: int) -> list[str]:
    """State and parent, and what follows, of a process: behind its name, which may hold anything."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _binaries() -> Path:
    found = _find()
    if found is None:
        because = f"no PostgreSQL {OLDEST} or newer in /usr/lib/postgresql or on PATH"
        install("postgresql", because=because)
        found = _find()
    if found is None:
        raise RuntimeError("the package postgresql was installed, but initdb is not where it was")
    return found


def _find() -> Path | None:
    """The newest set of binaries; those on PATH count last, since a link there stands alone."""
    versions = [
        (int(path.parent.parent.name), path.parent)
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parent.parent.name.isdigit()
    ]
    if versions and max(versions)[0] >= OLDEST:
        return max(versions)[1]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None
