"""The PostgreSQL engine passes the suite by a pooler in transaction mode, too."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from penstock.conformance.harness import Case, Harness
from tests.engines.postgresql.harness import PostgresqlHarness, around

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.xdist_group("postgresql"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def store(postgresql_url: str, pooler_url: str) -> AsyncIterator[PostgresqlHarness]:
    """One engine for all cases, on a schema of its own."""
    async with around(
        postgresql_url, "by_pooler", pooler_url=pooler_url, listen_url=postgresql_url
    ) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def harness(store: PostgresqlHarness) -> PostgresqlHarness:
    await store.clean()
    return store


async def test_conforms(case: Case, harness: Harness) -> None:
    await case(harness)
