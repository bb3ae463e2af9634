"""Starts other processes on a store; all that are left are killed at the end."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]

MOUNT = """
mount -t tmpfs -o size=4m tmpfs "$1" 2>/dev/null || { echo "no disk"; exit; }
shift
exec "$@"
"""


@asynccontextmanager
async def child(
    what: str, path: Path, *values: str, within_a_tiny_disk_at: Path | None = None
) -> AsyncIterator[Process]:
    """A process that does this to the store in the file; on request where 4 MiB are mounted for it alone."""
    tiny = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]
    process = await asyncio.create_subprocess_exec(
        *([] if within_a_tiny_disk_at is None else [*tiny, str(within_a_tiny_disk_at)]),
        sys.executable,
        "-m",
        "tests.engines.sqlite.child",
        what,
        str(path),
        *values,
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: Process) -> str:
    """The next line that the process says."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def lines_of(process: Process) -> list[str]:
    """All that the process says until it ends, which it must do well; its input ends now."""
    output, _ = await process.communicate(b"")
    assert process.returncode == 0
    return output.decode().splitlines()
