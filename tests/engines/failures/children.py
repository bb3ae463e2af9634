"""Starts other processes on a store; all that are left are killed at the end."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from penstock.conformance.builders import deadline
from tests.engines.failures.stores import Place

ROOT = Path(__file__).parents[3]
SLOW_START = 45


class Child:
    """A process whose words are read as they come."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._lines: list[str] = []
        self._is_open = asyncio.Event()
        self._reading = asyncio.ensure_future(self._read())

    async def open(self) -> None:
        """It has opened the store."""
        async with deadline(SLOW_START):
            await self._is_open.wait()

    def begin(self) -> None:
        """It may go on now."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    async def ended(self) -> list[str]:
        """All its lines; its input ends, and it must end well."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with deadline(SLOW_START):
            assert await self.process.wait() == 0
            return await self._reading

    async def killed(self) -> list[str]:
        """All its lines, after a kill, or after it killed itself."""
        if self.process.returncode is None:
            self.process.kill()
        return await self.died()

    async def died(self) -> list[str]:
        """All its lines, once somebody has killed it."""
        async with deadline(SLOW_START):
            assert await self.process.wait() < 0
            return await self._reading

    async def close(self) -> None:
        """It is gone."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self) -> list[str]:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            if not self._is_open.is_set():
                assert raw == b"open\n", raw
                self._is_open.set()
            elif raw.endswith(b"\n"):  # not what a kill has cut off
                self._lines.append(raw.decode().rstrip("\n"))
        return self._lines


@asynccontextmanager
async def child(what: str, place: Place, who: str = "child") -> AsyncIterator[Child]:
    """A process that has opened the store, and begins when it is told."""
    command = [sys.executable, "-m", "tests.engines.failures.child", place.kind, place.url]
    process = await asyncio.create_subprocess_exec(
        *command, what, who, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    made = Child(process)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
