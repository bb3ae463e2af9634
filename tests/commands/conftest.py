"""What tests of commands share: servers that are reached, and servers that must not be."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from penstock.commands.exec import ExecCommand
from penstock.commands.guard import Guard
from penstock.commands.http import HttpCommand
from penstock.commands.sender import Sender
from tests.commands.callbacks import SECRET, Installed
from tests.commands.jobs import exec_command, http_command
from tests.commands.names import Names
from tests.commands.targets import Canary, Opener, Target, serving, watching


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    """A server that answers as it is told."""
    async with serving() as target:
        yield target


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    """A listener that must not be reached."""
    async with watching() as canary:
        yield canary


@pytest.fixture
async def http() -> AsyncIterator[HttpCommand]:
    """A command that may reach loopback."""
    made = http_command("127.0.0.0/8")
    yield made
    await made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the scripts of a test lie."""
    return tmp_path


@pytest.fixture
def run_any(folder: Path) -> ExecCommand:
    """A command that may run every script of the folder with any arguments."""
    return exec_command(f"{folder}/*.sh **")


@pytest.fixture
async def sender_of() -> AsyncIterator[Opener]:
    """Makes senders that are closed at the end."""
    async with AsyncExitStack() as stack:

        def make(allow: list[str], names: Names | None = None) -> Sender:
            sender = Sender(Guard(allow, names))
            stack.push_async_callback(sender.close)
            return sender

        yield make


@pytest.fixture
async def installed() -> AsyncIterator[Installed]:
    """With one secret, and no program allowed."""
    made = Installed(SECRET)
    yield made
    await made.http.close()
