"""For the tests of the MariaDB engine itself."""

from collections.abc import AsyncIterator

import pytest

from tests.engines.mariadb.harness import MariadbHarness, around
from tests.servers.mariadb import Server


@pytest.fixture
async def harness(mariadb_server: Server) -> AsyncIterator[MariadbHarness]:
    """An engine, open, on an empty store."""
    async with around(mariadb_server) as made:
        await made.engine.open()
        yield made
