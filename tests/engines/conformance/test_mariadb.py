"""The MariaDB engine passes the suite."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from penstock.conformance.harness import Case, Harness
from tests.engines.mariadb.harness import MariadbHarness, around
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("mariadb"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def store(mariadb_server: Server) -> AsyncIterator[MariadbHarness]:
    """One database for all cases: to make another takes longer than a case."""
    async with around(mariadb_server) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def harness(store: MariadbHarness) -> MariadbHarness:
    await store.clean()
    return store


async def test_conforms(case: Case, harness: Harness) -> None:
    await case(harness)
