"""A private PostgreSQL: data in a temporary directory, a socket beside it, no port.

`PENSTOCK_TEST_POSTGRESQL_URL` names a server to use instead; a database is made there, and dropped at the end.
"""

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
