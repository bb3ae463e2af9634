"""What the settings of a server let us promise."""

import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.conformance.builders import (
    HOUR,
    MANY,
    QUEUE,
    assert_conserved,
    claims,
    everything,
    job,
    key,
    push,
    root,
    want,
)
from penstock.conformance.stories import one_of_each
from penstock.engine import Feature, Registration
from penstock.engines.redis.connection import Client, connect
from penstock.engines.redis.keys import keys
from penstock.engines.redis.promises import ALWAYS, DURABLE_SETTINGS, check
from penstock.engines.redis.promises import Server as About
from penstock.errors import EngineError, StoreMismatch
from penstock.job import Order, Presence
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server

PAGE = Path(__file__).parents[3] / "docs/engines.md"


@pytest.fixture
async def admin(redis_server: Server) -> AsyncIterator[Client]:
    """Somebody who changes the settings of the server; they are put back."""
    if not redis_server.is_private:
        pytest.skip("the settings of a given server are not ours to change")
    client = connect(redis_server.url)
    yield client
    for name, value in DURABLE_SETTINGS.items():
        await client.config_set(name, value)
    await client.aclose()


@pytest.mark.server
async def test_a_server_that_writes_before_it_answers_is_durable(harness: RedisHarness) -> None:
    assert harness.engine.features == ALWAYS | {Feature.DURABLE}


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "value", "loss"),
    [
        ("appendfsync", "everysec", "not always: a crash of its host can lose .* two seconds"),
        ("appendfsync", "no", "not always: a crash of its host can lose .* minute"),
        ("appendonly", "no", "not yes: .* since its last snapshot"),
        ("no-appendfsync-on-rewrite", "yes", "not no: .* while it rewrites"),
        ("maxmemory-policy", "allkeys-lru", "not noeviction: .* throws anything away"),
        ("maxmemory-policy", "volatile-ttl", "not noeviction: .* idempotency keys and roots"),
    ],
)
async def test_any_other_setting_is_not_durable_and_says_what_can_be_lost(
    name: str,
    value: str,
    loss: str,
    harness: RedisHarness,
    admin: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await admin.config_set(name, value)

    await harness.reopen()

    assert harness.engine.features == ALWAYS
    [told] = caplog.messages
    assert re.search(f"store 0 is not durable on this .*: {name} is {value}, {loss}", told)


@pytest.mark.server
async def test_what_a_server_promises_is_what_it_promised_when_it_was_opened(
    harness: RedisHarness, admin: Client
) -> None:
    await admin.config_set("appendfsync", "everysec")

    await push(harness.engine, job())

    assert Feature.DURABLE in harness.engine.features


@pytest.mark.server
async def test_settings_that_are_hidden_from_us_promise_nothing(
    harness: RedisHarness, admin: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await admin.config_set("maxmemory-policy", "allkeys-lfu")

    async with harness.somebody(commands=["-config"]) as blind:
        assert blind.features == ALWAYS

    evicts, hidden = caplog.messages
    assert "maxmemory-policy is allkeys-lfu" in evicts
    assert "nobody can see appendfsync, no-appendfsync-on-rewrite" in hidden


@pytest.mark.server
async def test_a_user_with_the_rights_that_the_page_names_can_do_everything(
    harness: RedisHarness,
) -> None:
    [rules] = re.findall(r"`ACL SETUSER penstock on >password (.*)`", PAGE.read_text())
    words = rules.split()
    await harness.stranger.acl_log_reset()

    async with harness.somebody(
        keys=[word[1:] for word in words if word.startswith("~")],
        channels=[word[1:] for word in words if word.startswith("&")],
        categories=[word for word in words if "@" in word],
        commands=[word for word in words if word[0] in "+-" and "@" not in word],
    ) as bound:
        assert Feature.DURABLE in bound.features
        await one_of_each(bound)
        await push(bound, job("keyed", dedupe_key="k", idempotency=key(), root=root(1)))
        await bound.register([Registration(queue=QUEUE, root=root(2))])
        await bound.announce(Presence(worker="w", slots=1), HOUR)
        await bound.pause([QUEUE])
        await bound.resume([QUEUE])
        assert await bound.ready([QUEUE.type], limit=9)
        assert await bound.oldest([QUEUE])
        await claims(bound, want(order=Order.RANDOM))
        await bound.forget("w")
        assert await everything(bound)
        assert await bound.wait(HOUR)
        await assert_conserved(bound)
        await bound.purge(MANY)

    denied = [entry["object"] for entry in await harness.stranger.acl_log()]
    assert denied == []


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


def server(version: str, name: str = "") -> About:
    return About(name=name or f"Redis {version}", version=version, is_replica=False)


@pytest.mark.parametrize("version", ["6.2.0", "6.2.14", "7.0.15", "7.2.4", "10.0.1"])
def test_a_new_enough_server_is_taken(version: str) -> None:
    check(server(version))


@pytest.mark.parametrize("version", ["2.8.24", "5.0.14", "6.0.16"])
def test_an_old_server_is_refused_by_name(version: str) -> None:
    with pytest.raises(EngineError, match=f"the server is Redis {version}; install Redis 6.2"):
        check(server(version))


@pytest.mark.server
async def test_a_replica_is_refused(harness: RedisHarness, admin: Client) -> None:
    await admin.replicaof("127.0.0.1", "1")

    try:
        with pytest.raises(EngineError, match=r"is a replica.*name its primary"):
            await harness.reopen()
    finally:
        await admin.replicaof("NO", "ONE")
