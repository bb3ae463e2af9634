"""A federation for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.engines.federated.wide import Wide


@pytest.fixture
async def wide() -> AsyncIterator[Wide]:
    made = await Wide({"east": 60, "west": 40}).opened()
    yield made
    await made.engine.close()
