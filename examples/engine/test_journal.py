"""The journal passes the suite that every engine must pass."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from penstock_journal import JournalEngine

from penstock.clock import ManualClock
from penstock.conformance.harness import needed
from penstock.conformance.suite import every_case

CASES = {name: case for name, case in every_case() if needed(case) <= JournalEngine.features}


class JournalHarness:
    """What the suite needs beyond the engine: hands that reach into its store, and a way to lose it."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, ManualClock()
        self.engine = JournalEngine(f"journal://{path}", clock=self.clock)

    async def age(self, duration: timedelta) -> None:
        self.clock.tick(duration)

    async def reopen(self) -> None:
        await self.engine.close()
        await self.engine.open()

    crash = reopen  # closing writes nothing, so a kill leaves as much

    async def spoil(self, id: int) -> None:
        row = self.engine._memory._rows[id]
        params, row.params = json.dumps(row.params), "{"
        self.path.write_text(self.path.read_text().replace(params, '"{"'))


@pytest.mark.parametrize("name", CASES)
def test_conforms(name: str, tmp_path: Path) -> None:
    async def run(harness: JournalHarness) -> None:
        await harness.engine.open()
        await CASES[name](harness)
        await harness.engine.close()

    asyncio.run(run(JournalHarness(tmp_path / "jobs.journal")))
