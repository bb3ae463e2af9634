"""A private MariaDB: data in a temporary directory, a socket beside it, no port; what it answers is on disk.

`PENSTOCK_TEST_MARIADB_URL` names a server to use instead (`mariadb://user:password@host:port/any`): databases are made
there, and dropped at the end.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from penstock.engines.mariadb.address import Address, address_of
from tests.servers import call, directory_for, install, unprivileged

GIVEN = "PENSTOCK_TEST_MARIADB_URL"
USER = "root"
SETTINGS = {
    "skip-networking": "1",
    "max-connections": "120",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "48M",
    "innodb-flush-log-at-trx-commit": "1",
    "max-allowed-packet": "16M",
}
PATIENCE = 30  # seconds until a started server must answer
PAUSE = 0.02


class Server:
    """A MariaDB for the tests; one of our own can be killed and started again."""

    def __init__(self, url: str | None = None) -> None:
        self._given = url
        self._directory = Path()
        self._user: str | None = None
        self._more: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Where this database of the server is."""
        if self._given is not None:
            return self._given.rpartition("/")[0] + f"/{database}"
        return f"mariadb://{USER}@localhost/{database}?socket={self._socket}"

    @property
    def way(self) -> str:
        """The socket of our own one."""
        return str(self._socket)

    @contextmanager
    def serve(self, **more: str) -> Iterator["Server"]:
        """The server runs as long as the context, with more settings if given."""
        self._user = unprivileged()
        self._more = more
        _binary("mariadb-install-db")
        with directory_for(self._user) as self._directory:
            self._create()
            self.start()
            try:
                yield self
            finally:
                self.kill()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database of one's own."""
        name = f"penstock_test_{uuid.uuid4().hex}"
        self.execute(f"create database {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"drop database {name}")

    def execute(self, statement: str) -> None:
        """Run by a session of its own."""
        with connect(address_of(self.url("mysql"))) as session, session.cursor() as cursor:
            cursor.execute(statement)

    def start(self) -> None:
        """It answers, with everything it had on disk."""
        places = {"datadir": self._data, "tmpdir": self._data, "socket": self._socket}
        settings = SETTINGS | self._more | places
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary("mariadbd"), "--no-defaults", *arguments],
                cwd=self._directory,
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
                stdout=log,
                stderr=log,
            )
        self._wait()

    def kill(self) -> None:
        """It is gone, without a chance to write anything."""
        assert self._process is not None, "a given server is not ours to kill"
        self._process.kill()
        self._process.wait()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def _socket(self) -> Path:
        return self._directory / "socket"

    def _create(self) -> None:
        # TMPDIR may be a directory in which the server's user cannot write.
        options = ["--no-defaults", f"--datadir={self._data}", f"--tmpdir={self._directory}"]
        options += [
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
            "--skip-name-resolve",
        ]
        call([_binary("mariadb-install-db"), *options], user=self._user, directory=self._directory)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > deadline or self._process is None or self._process.poll():
                log = (self._directory / "log").read_text()
                raise RuntimeError(f"mariadbd does not answer: {log}")
            time.sleep(PAUSE)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._socket))
                return bool(client.recv(1))
            except OSError:
                return False


def connect(address: Address) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    """A session that is nobody's engine."""
    return pymysql.connect(
        host=address.host,
        port=address.port,
        unix_socket=address.socket,
        user=address.user,
        password=address.password,
        database=address.database,
        autocommit=True,
    )


@contextmanager
def start() -> Iterator[Server]:
    """A server for the tests: the one that is given, or a private one."""
    given = os.environ.get(GIVEN)
    if given:
        yield Server(given)
        return
    with Server().serve() as server:
        yield server


def _binary(name: str) -> str:
    found = _find(name)
    if found is None:
        install("mariadb-server", because="no MariaDB (10.6 or newer) in /usr/sbin or on PATH")
        found = _find(name)
    if found is None:
        raise RuntimeError(f"the package mariadb-server was installed, but {name} is not there")
    return found


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
