"""What a server, with its present settings, really promises."""

from collections.abc import Mapping

from redis.exceptions import ResponseError

from penstock.engine import Feature
from penstock.engines.redis.connection import Client
from penstock.errors import EngineError

OLDEST_VERSION = (6, 2)

ALWAYS = frozenset({Feature.ATOMIC, Feature.SHARED, Feature.WAIT, Feature.DELAY, Feature.ORDER})
DURABLE_SETTINGS = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


async def features_of(client: Client) -> frozenset[Feature]:
    """The features of the server; DURABLE only if we can see that it writes before it answers and evicts nothing."""
    settings = await _settings(client)
    durable = all(settings.get(name) == value for name, value in DURABLE_SETTINGS.items())
    return ALWAYS | {Feature.DURABLE} if durable else ALWAYS


async def version_of(client: Client) -> str:
    """The version that the server says it is compatible with."""
    info = await client.info("server")
    return str(info["redis_version"])


def check_version(version: str) -> None:
    """The server is new enough; EngineError if not."""
    if tuple(map(int, version.split(".")[:2])) < OLDEST_VERSION:
        wanted = ".".join(map(str, OLDEST_VERSION))
        raise EngineError(f"the server is Redis {version}; install {wanted} or newer")


async def _settings(client: Client) -> Mapping[str, str]:
    found: dict[str, str] = {}
    try:
        for name in DURABLE_SETTINGS:  # 6.2 answers only one at a time
            answer = await client.config_get(name)
            found |= {_text(setting): _text(value) for setting, value in answer.items()}
    except ResponseError:
        return {}  # hidden, as hosted servers do it: what cannot be seen is not promised
    return found


def _text(raw: bytes | str | None) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw or ""
