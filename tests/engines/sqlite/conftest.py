"""For the tests of the SQLite engine itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines.sqlite.harness import SqliteHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[SqliteHarness]:
    made = SqliteHarness(tmp_path)
    await made.engine.open()
    yield made
    await made.close()
