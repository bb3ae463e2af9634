"""The Redis engine passes the suite."""

from collections.abc import AsyncIterator

import pytest

from penstock.conformance.harness import Case, Harness
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server, redis_server

__all__ = ["redis_server"]

pytestmark = pytest.mark.server


@pytest.fixture
async def harness(redis_server: Server) -> AsyncIterator[RedisHarness]:
    async with RedisHarness(redis_server.url, redis_server) as made:
        yield made


async def test_conforms(case: Case, harness: Harness) -> None:
    await case(harness)
