"""For the tests of the PostgreSQL engine itself."""

from collections.abc import AsyncIterator

import pytest

from tests.engines.postgresql.harness import PostgresqlHarness, around


@pytest.fixture
async def harness(postgresql_url: str) -> AsyncIterator[PostgresqlHarness]:
    """An engine, open, on an empty store."""
    async with around(postgresql_url) as made:
        await made.clean()
        yield made
