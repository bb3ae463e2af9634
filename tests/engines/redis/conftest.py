"""One server and one fresh store for the tests of the Redis engine."""

from collections.abc import AsyncIterator

import pytest

from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server, redis_server

__all__ = ["redis_server"]


@pytest.fixture
async def harness(redis_server: Server) -> AsyncIterator[RedisHarness]:
    async with RedisHarness(redis_server.url, redis_server) as made:
        yield made
