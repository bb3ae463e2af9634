"""What is said of a server, and of what lies in it, before anybody works on it."""

from datetime import timedelta

import pytest

from penstock.engines.redis import RedisEngine
from penstock.engines.redis.keys import keys
from penstock.errors import EngineUnavailable, StoreMismatch
from penstock.examination import About, Level
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server

pytestmark = [pytest.mark.server]

PATIENCE = timedelta(seconds=20)


async def test_a_store_that_is_not_there_is_pending_and_not_made(harness: RedisHarness) -> None:
    await harness.engine.close()
    await harness.empty()

    found = await harness.engine.examine(PATIENCE)
    assert await harness.engine.pending() == ["0001_keys"]
    assert await harness.names() == []
    assert found.ahead == timedelta(0)

    assert await harness.engine.migrate() == ["0001_keys"]
    assert await harness.engine.pending() == await harness.engine.migrate() == []


async def test_a_newer_layout_is_refused(harness: RedisHarness) -> None:
    await harness.stranger.hset(keys(0)[0], "schema", "2")

    with pytest.raises(StoreMismatch, match="has schema 2"):
        await harness.engine.pending()


async def test_settings_that_may_lose_jobs_are_told_with_their_lines(
    harness: RedisHarness, redis_server: Server
) -> None:
    if not redis_server.is_private:
        pytest.skip("the settings of a given server are not ours to change")
    safe = await harness.engine.examine(PATIENCE)
    await harness.stranger.config_set("maxmemory-policy", "allkeys-lru")
    try:
        unsafe = await harness.engine.examine(PATIENCE)
    finally:
        await harness.stranger.config_set("maxmemory-policy", "noeviction")

    assert [one.level for one in safe.findings] == [Level.OK]
    [found] = [one for one in unsafe.findings if one.level is Level.WRONG]
    assert found.about is About.DURABILITY
    assert "maxmemory-policy noeviction" in found.change


async def test_a_server_that_is_away_is_unavailable() -> None:
    nobody = RedisEngine("redis://127.0.0.1:1/0")

    with pytest.raises(EngineUnavailable):
        await nobody.pending()
    with pytest.raises(EngineUnavailable):
        await nobody.examine(PATIENCE)
