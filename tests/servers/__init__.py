"""Real servers for the tests: each private, on its own directory and socket, ended at the end."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

UNPRIVILEGED = ("postgres", "nobody")
_Server = TypeVar("_Server")

LONGEST_PATH = 60  # of a directory; the path of a socket in it must stay below 108 bytes


class ServerMissing(Exception):
    """The server is not installed and cannot be installed here; the message says what to install."""


@contextmanager
def running(start: Callable[[], AbstractContextManager[_Server]]) -> Iterator[_Server]:
    """A started server. Where it is missing: skipped on a desk, failed where CI is set."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(start())
        except ServerMissing as missing:
            if os.environ.get("CI"):
                pytest.fail(str(missing), pytrace=False)
            pytest.skip(str(missing))
        yield server


def install(package: str, *, because: str) -> None:
    """The Debian package is installed, where that is allowed; ServerMissing elsewhere."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ServerMissing(f"{because}; install it, on Debian: apt-get install {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qy", "-o", "DPkg::Lock::Timeout=120"]
    for arguments in (["update"], ["install", "--no-install-recommends", package]):
        done = subprocess.run(
            [*apt, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ServerMissing(f"{because}; apt-get could not install {package}: {done.stderr}")


@contextmanager
def directory_for(user: str | None) -> Iterator[Path]:
    """An empty directory of this user's own, which he can reach, short enough for a socket in it."""
    above = Path(tempfile.gettempdir()).resolve()
    closed = user is not None and not all(_is_open(path) for path in (above, *above.parents))
    if closed or len(str(above)) > LONGEST_PATH:
        above = Path("/tmp")
    with tempfile.TemporaryDirectory(prefix="penstock-", dir=above) as name:
        if user is not None:
            shutil.chown(name, user)
        yield Path(name)


def unprivileged() -> str | None:
    """The user to run a server as that refuses root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return name
    raise ServerMissing(f"no user {' or '.join(UNPRIVILEGED)} to run a server as; add one of them")


def call(command: Sequence[str | Path], *, user: str | None, directory: Path) -> None:
    """The program ran in this directory as this user and ended well; else RuntimeError with its words."""
    done = subprocess.run(
        command,
        cwd=directory,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout}")


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)
