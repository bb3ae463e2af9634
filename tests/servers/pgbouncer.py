"""A private PgBouncer in transaction mode, with fewer sessions than an engine would have, on a socket of its own."""

import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.servers import directory_for, install, unprivileged

SESSIONS = 3
PATIENCE = 10  # seconds until it must answer
PAUSE = 0.02
CONFIGURATION = """
[databases]
{database} = {server}

[pgbouncer]
listen_addr =
unix_socket_dir = {directory}
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
auth_type = any
logfile = {directory}/log
"""


@contextmanager
def before(url: str) -> Iterator[str]:
    """The URL of a pooler before the server at this one."""
    binary = _binary()
    user = unprivileged()
    with directory_for(user) as directory:
        place = _place(url)
        server = " ".join(f"{key}={value}" for key, value in place.items())
        (directory / "ini").write_text(
            CONFIGURATION.format(
                database=place["dbname"], server=server, directory=directory, sessions=SESSIONS
            )
        )
        process = _started([binary, str(directory / "ini")], user, directory)
        try:
            _wait(directory / ".s.PGSQL.6432", process)
            yield f"postgresql://{place['user']}@/{place['dbname']}?host={directory}&port=6432"
        finally:
            process.kill()
            process.wait()


def _place(url: str) -> dict[str, str]:
    """What a URL says of a server, in the words of a connection string."""
    parts = urlsplit(url)
    told = {
        "host": parts.hostname,
        "port": str(parts.port or 5432),
        "user": parts.username,
        "password": parts.password,
        "dbname": parts.path.removeprefix("/"),
    }
    return {key: value for key, value in told.items() if value} | dict(parse_qsl(parts.query))


def _started(command: list[str], user: str | None, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=directory,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait(place: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _answers(place):
        if time.monotonic() > deadline or process.poll() is not None:
            log = place.parent / "log"
            raise RuntimeError(
                f"pgbouncer does not answer: {log.read_text() if log.exists() else ''}"
            )
        time.sleep(PAUSE)


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(place))
        except OSError:
            return False
        return True


def _binary() -> str:
    found = _find()
    if found is None:
        install("pgbouncer", because="no PgBouncer in /usr/sbin or on PATH")
        found = _find()
    if found is None:
        raise RuntimeError("the package pgbouncer was installed, but the program is not there")
    return found


def _find() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
