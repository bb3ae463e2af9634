"""The memory engine passes the suite."""

from collections.abc import AsyncIterator

import pytest

from penstock.conformance.harness import Case, Harness
from tests.engines.memory_harness import MemoryHarness


@pytest.fixture
async def harness() -> AsyncIterator[MemoryHarness]:
    made = MemoryHarness()
    await made.engine.open()
    yield made
    await made.engine.close()


async def test_conforms(case: Case, harness: Harness) -> None:
    await case(harness)
