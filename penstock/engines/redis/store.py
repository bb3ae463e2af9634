"""An open store: its connections, its scripts, and what was found when it was opened."""

import logging
from dataclasses import dataclass
from uuid import uuid4

from redis.exceptions import RedisError

from penstock.engine import Feature, StoreIdentity
from penstock.engines.redis.connection import Client, connect
from penstock.engines.redis.keys import channel, keys
from penstock.engines.redis.listener import Listener
from penstock.engines.redis.promises import check, doubts_of, features_with, server_of
from penstock.engines.redis.scripts import Scripts
from penstock.engines.redis.trouble import translated
from penstock.engines.redis.wake import Wake
from penstock.errors import StoreMismatch
from penstock.job import first_id

log = logging.getLogger(__name__)

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Store:
    """What is known of a store while it is open."""

    client: Client
    scripts: Scripts
    wake: Wake
    features: frozenset[Feature]
    identity: StoreIdentity

    async def close(self) -> None:
        """Wake whoever waits, wait for the calls under way, and let the connections go."""
        try:
            await self.wake.close()
            await self.scripts.idle()
        finally:
            await self.client.aclose()


async def open_store(url: str, number: int) -> Store:
    """Connect, and make the store where there is none.

    Raises EngineUnavailable, StoreMismatch for a newer schema or another number, EngineError for a server that will
    not do. What the server can lose is logged.
    """
    client = connect(url)
    try:
        return await _examined(client, url, number)
    except RedisError as error:
        await client.aclose()
        raise translated(error, "open") from error
    except BaseException:
        await client.aclose()
        raise


async def identify(scripts: Scripts, number: int) -> StoreIdentity:
    """Who the store is, made now if it is new. StoreMismatch for a newer schema or another number."""
    new = str(uuid4()), number, first_id(number) - 1, SCHEMA
    uuid, known, schema = await scripts.run("open", tuple[bytes, bytes, bytes], *new)
    refuse_foreign(number, known=int(known), schema=int(schema))
    return StoreIdentity(uuid=uuid.decode(), number=number)


async def _examined(client: Client, url: str, number: int) -> Store:
    server = await server_of(client)
    check(server)
    scripts = Scripts(client, keys(number))
    identity = await identify(scripts, number)
    doubts = await doubts_of(client)
    for doubt in doubts:
        log.info("store %d is not durable on this %s: %s", number, server.name, doubt)
    return Store(
        client,
        scripts,
        Wake(Listener(connect(url), channel(number)), lambda: scripts.run("wait", int)),
        features_with(doubts),
        identity,
    )


def refuse_foreign(number: int, *, known: int, schema: int) -> None:
    """The store is that of this number, in a layout that we know; StoreMismatch if not."""
    if known != number:
        raise StoreMismatch(
            f"the store under {keys(number)[0]} says that its number is {known}; use another database"
        )
    if schema > SCHEMA:
        raise StoreMismatch(
            f"the store has schema {schema}, this Penstock knows {SCHEMA}; install a newer Penstock"
        )
