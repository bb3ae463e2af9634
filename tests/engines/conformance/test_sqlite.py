"""The SQLite engine passes the suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.conformance.harness import Case, Harness
from tests.engines.sqlite.harness import SqliteHarness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[SqliteHarness]:
    made = SqliteHarness(tmp_path)
    await made.engine.open()
    yield made
    await made.close()


async def test_conforms(case: Case, harness: Harness) -> None:
    await case(harness)
