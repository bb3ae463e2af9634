"""A federation over stores of three kinds, on real servers, passes the suite as one over stores in memory does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from penstock.conformance.harness import Case
from penstock.errors import UnsupportedFeature
from tests.engines.federated.exceptions import EXCEPTED
from tests.engines.federated.harness import FederatedHarness
from tests.engines.postgresql.harness import PostgresqlHarness, around
from tests.engines.redis.harness import RedisHarness
from tests.engines.sqlite.harness import SqliteHarness
from tests.servers.redis import Server, redis_server

__all__ = ["redis_server"]

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("postgresql"),
    pytest.mark.asyncio(loop_scope="module"),
]

REDIS, SQLITE, POSTGRESQL = 0, 1, 2  # their numbers


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def postgresql(postgresql_url: str) -> AsyncIterator[PostgresqlHarness]:
    """One engine for all cases, as it has a suite of its own with."""
    async with around(postgresql_url, "federated", number=POSTGRESQL) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def harness(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgresql: PostgresqlHarness,
    redis_server: Server,
) -> AsyncIterator[FederatedHarness]:
    await postgresql.clean()
    sqlite = SqliteHarness(tmp_path, number=SQLITE)
    async with RedisHarness(redis_server.url, redis_server) as redis:
        made = FederatedHarness([sqlite, postgresql, redis], seed=request.node.name)
        await made.engine.open()
        yield made
        await made.close()
        await sqlite.close()


async def test_conforms(case: Case, harness: FederatedHarness) -> None:
    if case in EXCEPTED:
        pytest.skip(EXCEPTED[case])
    try:
        await case(harness)
    except UnsupportedFeature as missing:
        pytest.skip(str(missing))
