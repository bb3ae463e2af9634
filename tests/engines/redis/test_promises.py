"""What the settings of a server let us promise."""

from collections.abc import AsyncIterator

import pytest

from penstock.engine import Feature
from penstock.engines.redis.address import address_of
from penstock.engines.redis.connection import Client, connect
from penstock.engines.redis.keys import keys
from penstock.engines.redis.promises import ALWAYS, DURABLE_SETTINGS, check_version
from penstock.errors import EngineError, StoreMismatch
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server


@pytest.fixture
async def admin(redis_server: Server) -> AsyncIterator[Client]:
    """Somebody who changes the settings of the server; they are put back."""
    if not redis_server.is_private:
        pytest.skip("the settings of a given server are not ours to change")
    client = connect(address_of(redis_server.url))
    yield client
    for name, value in DURABLE_SETTINGS.items():
        await client.config_set(name, value)
    await client.aclose()


@pytest.mark.server
async def test_a_server_that_writes_before_it_answers_is_durable(harness: RedisHarness) -> None:
    assert harness.engine.features == ALWAYS | {Feature.DURABLE}


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appendfsync", "everysec"),
        ("appendfsync", "no"),
        ("appendonly", "no"),
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory-policy", "volatile-ttl"),
    ],
)
async def test_any_other_setting_is_not_durable(
    name: str, value: str, harness: RedisHarness, admin: Client
) -> None:
    await admin.config_set(name, value)

    await harness.reopen()

    assert harness.engine.features == ALWAYS


@pytest.mark.server
async def test_settings_that_are_hidden_from_us_promise_nothing(
    harness: RedisHarness,
) -> None:
    async with harness.somebody(commands=["-config"]) as blind:
        assert blind.features == ALWAYS


@pytest.mark.server
async def test_a_store_of_a_newer_schema_is_refused(harness: RedisHarness) -> None:
    await harness.engine.close()
    await harness.stranger.hset(keys(0)[0], "schema", "2")

    with pytest.raises(StoreMismatch, match="has schema 2, this Penstock knows 1"):
        await harness.engine.open()


@pytest.mark.server
async def test_a_store_that_says_another_number_is_refused(harness: RedisHarness) -> None:
    await harness.engine.close()
    await harness.stranger.hset(keys(0)[0], "number", "7")

    with pytest.raises(StoreMismatch, match="its number is 7"):
        await harness.engine.open()


@pytest.mark.parametrize("version", ["6.2.0", "6.2.14", "7.0.15", "7.2.4", "10.0.1"])
def test_a_new_enough_server_is_taken(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize("version", ["2.8.24", "5.0.14", "6.0.16"])
def test_an_old_server_is_refused(version: str) -> None:
    with pytest.raises(EngineError, match=f"the server is Redis {version}; install 6.2 or newer"):
        check_version(version)
