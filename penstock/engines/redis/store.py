"""An open store: its connections, its scripts, and what was found when it was opened."""

from dataclasses import dataclass
from uuid import uuid4

from redis.exceptions import RedisError

from penstock.engine import Feature, StoreIdentity
from penstock.engines.redis.connection import Client, connect
from penstock.engines.redis.keys import keys
from penstock.engines.redis.promises import check_version, features_of, version_of
from penstock.engines.redis.scripts import Scripts
from penstock.engines.redis.trouble import translated
from penstock.errors import StoreMismatch
from penstock.job import first_id

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Store:
    """What is known of a store while it is open."""

    client: Client
    scripts: Scripts
    features: frozenset[Feature]
    identity: StoreIdentity

    async def close(self) -> None:
        """Wait for the calls under way, and let the connections go."""
        try:
            await self.scripts.idle()
        finally:
            await self.client.aclose()


async def open_store(url: str, number: int) -> Store:
    """Connect, and make the store where there is none.

    Raises EngineUnavailable, StoreMismatch for a newer schema or another number, EngineError for an old server.
    """
    client = connect(url)
    try:
        return await _examined(client, number)
    except RedisError as error:
        await client.aclose()
        raise translated(error, "open") from error
    except BaseException:
        await client.aclose()
        raise


async def _examined(client: Client, number: int) -> Store:
    check_version(await version_of(client))
    scripts = Scripts(client, keys(number))
    new = str(uuid4()), number, first_id(number) - 1, SCHEMA
    uuid, known, schema = await scripts.run("open", tuple[bytes, bytes, bytes], *new)
    check(number, known=int(known), schema=int(schema))
    identity = StoreIdentity(uuid=uuid.decode(), number=number)
    return Store(client, scripts, await features_of(client), identity)


def check(number: int, *, known: int, schema: int) -> None:
    """The store is that of this number, in a layout that we know; StoreMismatch if not."""
    if known != number:
        raise StoreMismatch(
            f"the store under {keys(number)[0]} says that its number is {known}; use another database"
        )
    if schema > SCHEMA:
        raise StoreMismatch(
            f"the store has schema {schema}, this Penstock knows {SCHEMA}; install a newer Penstock"
        )
