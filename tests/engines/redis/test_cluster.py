"""A cluster: a store lies in one slot, so the node that has it can be used like any server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from penstock.conformance.builders import claims, deadline, job, names, push
from penstock.engine import Ack, Feature
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.connection import Client, connect
from penstock.errors import EngineError, EngineUnavailable
from tests.servers import running
from tests.servers.redis import Server, free_port

pytestmark = [pytest.mark.server, pytest.mark.slow]

SLOTS = 16384
BUS = 10_000  # added to the port of a node: where its cluster talks


@asynccontextmanager
async def node() -> AsyncIterator[tuple[str, Client, int]]:
    """The URL of a node without slots, a client of it and its port."""
    port = next(port for port in iter(free_port, 0) if port + BUS < 2**16)
    with running(Server({"port": str(port), "cluster-enabled": "yes"}).serve):
        url = f"redis://127.0.0.1:{port}/0"
        client = connect(url)
        yield url, client, port
        await client.aclose()


async def works(engine: RedisEngine) -> bool:
    try:
        await engine.open()
    except EngineUnavailable:
        return False
    return True


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with deadline():
        while not await holds():  # noqa: ASYNC110  nodes tell nobody what they have learned
            await asyncio.sleep(0)


async def test_the_node_that_has_the_slot_is_used_like_any_server() -> None:
    async with node() as (url, client, _):
        engine = RedisEngine(url)
        with pytest.raises(EngineUnavailable, match="not served"):
            await engine.open()

        await client.cluster("ADDSLOTS", *range(SLOTS))
        await until(lambda: works(engine))

        await push(engine, job("a", dedupe_key="k"), job("b"))
        held = await claims(engine)
        assert names(held) == ["a", "b"]
        assert all(await engine.ack([Ack(ref=each.ref) for each in held]))
        assert Feature.DURABLE in engine.features
        await engine.close()


async def test_another_node_says_which_one_it_is() -> None:
    async with node() as (_, owner, port), node() as (url, other, _):
        await owner.cluster("ADDSLOTS", *range(SLOTS))
        await other.cluster("MEET", "127.0.0.1", str(port))
        await until(lambda: other.cluster("SLOTS"))
        engine = RedisEngine(url)

        with pytest.raises(EngineError, match=f"name 127.0.0.1:{port} in the url"):
            await until(lambda: works(engine))
