"""What can be said of a Redis before anybody works on it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError

from penstock.engine import Feature
from penstock.engines.redis.connection import Client, connect
from penstock.engines.redis.keys import keys
from penstock.engines.redis.promises import (
    DURABLE_SETTINGS,
    check_version,
    features_of,
    version_of,
)
from penstock.engines.redis.store import check
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
    check(number, known=int(known), schema=int(schema))
    return []


async def examine(url: str) -> Examination:
    """What is found; nothing is changed."""
    async with _client(url) as client:
        before = datetime.now(UTC)
        seconds, micros = await client.time()
        after = datetime.now(UTC)
        version, features = await version_of(client), await features_of(client)
    now = datetime.fromtimestamp(seconds, UTC) + micros * MICROSECOND
    return Examination(
        findings=[*_server(version), *_durability(features)],
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


def _server(version: str) -> Iterator[Finding]:
    yield ok(About.SERVER, f"Redis {version}")
    try:
        check_version(version)
    except EngineError as error:
        what, _, change = str(error).partition("; ")
        yield wrong(About.SERVER, what, change)


def _durability(features: frozenset[Feature]) -> Iterator[Finding]:
    if Feature.DURABLE in features:
        return
    lines = ", ".join(f"{name} {value}" for name, value in DURABLE_SETTINGS.items())
    told = "with its settings, or those it lets us see, what was answered may be lost"
    yield wrong(About.DURABILITY, told, f"set in redis.conf: {lines}")
