"""What can be said of a Redis before anybody works on it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError

from penstock.engines.redis.connection import Client, connect
from penstock.engines.redis.keys import keys
from penstock.engines.redis.promises import DURABLE_SETTINGS, Server, check, doubts_of, server_of
from penstock.engines.redis.store import refuse_foreign
from penstock.engines.redis.trouble import translated
from penstock.errors import EngineError
from penstock.examination import About, Examination, Finding, ahead, ok, wrong

FIRST = "0001_keys"
MICROSECOND = timedelta(microseconds=1)


async def pending(url: str, number: int) -> Sequence[str]:
    """What opening would make: the keys of a new store. StoreMismatch for a newer layout or another number."""
    async with _client(url) as client:
        known, schema = await client.hmget(keys(number)[0], ["number", "schema"])
    if known is None or schema is None:
        return [FIRST]
    refuse_foreign(number, known=int(known), schema=int(schema))
    return []


async def examine(url: str) -> Examination:
    """What is found; nothing is changed."""
    async with _client(url) as client:
        before = datetime.now(UTC)
        seconds, micros = await client.time()
        after = datetime.now(UTC)
        server, doubts = await server_of(client), await doubts_of(client)
    now = datetime.fromtimestamp(seconds, UTC) + micros * MICROSECOND
    return Examination(
        findings=[*_server(server), *_durability(doubts)],
        ahead=ahead(now, before=before, after=after),
    )


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[Client]:
    client = connect(url)
    try:
        yield client
    except RedisError as error:
        raise translated(error, "be examined") from error
    finally:
        await client.aclose()


def _server(server: Server) -> Iterator[Finding]:
    yield ok(About.SERVER, server.name)
    try:
        check(server)
    except EngineError as error:
        what, _, change = str(error).partition("; ")
        yield wrong(About.SERVER, what, change)


def _durability(doubts: Sequence[str]) -> Iterator[Finding]:
    if doubts:
        lines = ", ".join(f"{name} {value}" for name, value in DURABLE_SETTINGS.items())
        yield wrong(About.DURABILITY, "; ".join(doubts), f"set in redis.conf: {lines}")
