"""The release after this one: this tree with one migration more, run as processes of their own."""

import asyncio
import contextlib
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import penstock
from penstock.job import JobId

HERE = Path(__file__).parent
SOON = 60.0  # seconds after which a process has failed

CONFIG = """
[stores.main]
url = "{url}"
[queues.greet]
"""
JOBS = """
async def greet(context):
    return "hello"

handlers = {"greet": greet}
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a process has said when it ended."""

    code: int
    out: str
    err: str


class Release:
    """A tree of Penstock in a directory, with the store it is configured for."""

    def __init__(self, place: Path, url: str) -> None:
        self._place = place
        (place / "penstock.toml").write_text(CONFIG.format(url=url))
        (place / "greeting.py").write_text(JOBS)

    async def run(self, *words: str) -> Said:
        """What `penstock <words>` of this release says."""
        async with self.running(*words) as process, asyncio.timeout(SOON):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def push(self, type: str, count: int) -> list[JobId]:
        """The ids of so many jobs that this release has pushed."""
        said = await self.run("push", type, "--count", str(count))
        assert said.code == 0, said.err
        return [JobId(int(line)) for line in said.out.split()]

    @asynccontextmanager
    async def running(self, *words: str) -> AsyncIterator[Process]:
        """The process of `penstock <words>`; killed at the end."""
        clean = {
            name: text for name, text in os.environ.items() if not name.startswith("PENSTOCK_")
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "penstock.cli", *words),
            cwd=self._place,
            env=clean | {"PYTHONPATH": str(self._place)},
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


def next_release(place: Path, url: str, *, migration: str) -> tuple[Release, str]:
    """The next release, in an empty directory, and the name of its migration, whose text stands beside this file."""
    place.mkdir()
    tree = place / "penstock"
    shutil.copytree(Path(penstock.__file__).parent, tree)
    dialect = url.partition(":")[0]
    folder = tree / "engines" / dialect / "migrations"
    newest = max(int(path.name[:4]) for path in folder.glob("*.sql"))
    name = f"{newest + 1:04}_{migration}.sql".replace("NEWEST", f"{newest + 1:04}")
    text = HERE / dialect / f"{migration}.sql"
    (folder / name).write_text(text.read_text())
    return Release(place, url), name
