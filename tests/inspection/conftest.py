"""Two stores of different engines on one clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.clock import ManualClock
from penstock.engine import Engine
from penstock.engines.memory import MemoryEngine
from penstock.engines.sqlite import SqliteEngine


@dataclass
class Stores:
    """A store in memory and one in a file, both open."""

    first: Engine
    second: Engine
    clock: ManualClock

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """Both."""
        return self.first, self.second


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    """The stores number 0 and 1."""
    clock = ManualClock()
    second = SqliteEngine(f"sqlite:///{tmp_path}/second.db", number=1, clock=clock)
    await second.open()
    yield Stores(MemoryEngine(clock=clock), second, clock)
    await second.close()
