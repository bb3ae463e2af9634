"""What a server, with its present settings, really promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from penstock.engine import Feature
from penstock.engines.redis.connection import Client
from penstock.errors import EngineError

OLDEST_VERSION = (6, 2)

ALWAYS = frozenset(
    {Feature.ATOMIC, Feature.SHARED, Feature.WAIT, Feature.DELAY, Feature.ORDER},
)
DURABLE_SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}
_LOSSES = {
    ("appendonly", "no"): "what was answered since its last snapshot is lost when it ends",
    (
        "appendfsync",
        "everysec",
    ): "a crash of its host can lose what was answered in the last two seconds",
    ("appendfsync", "no"): "a crash of its host can lose what was answered in the last minute",
    (
        "no-appendfsync-on-rewrite",
        "yes",
    ): "a crash of its host while it rewrites its file can lose all since",
}
_LOST_WITHOUT_EXPIRY = "once full it throws anything away, jobs and whole queues"
_LOST_WITH_EXPIRY = "once full it forgets idempotency keys and roots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What answers at the URL."""

    name: str
    version: str  # of Redis, also where it is another server that is compatible with it
    is_replica: bool


async def server_of(client: Client) -> Server:
    """The server that this client is connected to."""
    info = await client.info("server")
    replication = await client.info("replication")
    version = str(info["redis_version"])
    valkey = info.get("valkey_version")
    return Server(
        name=f"Valkey {valkey}" if valkey else f"Redis {version}",
        version=version,
        is_replica=replication["role"] != "master",
    )


def check(server: Server) -> None:
    """The server is new enough and takes writes; EngineError if not."""
    if tuple(map(int, server.version.split(".")[:2])) < OLDEST_VERSION:
        wanted = ".".join(map(str, OLDEST_VERSION))
        raise EngineError(
            f"the server is {server.name}; install Redis {wanted} or newer, or Valkey"
        )
    if server.is_replica:
        raise EngineError(
            f"the server ({server.name}) is a replica, which takes no writes; name its primary in the url"
        )


async def doubts_of(client: Client) -> Sequence[str]:
    """What the server, as it is set, can lose of what it has answered, and by which setting. None: it is durable."""
    settings = await _settings(client)
    doubts = [
        f"{name} is {settings[name]}, not {wanted}: {_loss(name, settings[name])}"
        for name, wanted in DURABLE_SETTINGS.items()
        if settings.get(name, wanted) != wanted
    ]
    if hidden := [name for name in DURABLE_SETTINGS if name not in settings]:
        doubts.append(f"nobody can see {', '.join(hidden)}: this user may not use CONFIG GET")
    return doubts


def features_with(doubts: Sequence[str]) -> frozenset[Feature]:
    """The features of a server about which there are these doubts."""
    return ALWAYS if doubts else ALWAYS | {Feature.DURABLE}


async def _settings(client: Client) -> Mapping[str, str]:
    found = await _told(client)
    try:
        for name in DURABLE_SETTINGS:  # 6.2 answers only one at a time
            answer = await client.config_get(name)
            found |= {_text(setting): _text(value) for setting, value in answer.items()}
    except ResponseError:
        pass  # hidden, as hosted servers do it: what cannot be seen is not promised
    return found


async def _told(client: Client) -> dict[str, str]:
    """What the server tells everybody of its settings."""
    memory: Mapping[str, Any] = await client.info("memory")
    persistence: Mapping[str, Any] = await client.info("persistence")
    found = {"appendonly": "yes" if persistence.get("aof_enabled") else "no"}
    if policy := memory.get("maxmemory_policy"):
        found["maxmemory-policy"] = str(policy)
    return found


def _loss(name: str, value: str) -> str:
    if name == "maxmemory-policy":
        return _LOST_WITH_EXPIRY if value.startswith("volatile-") else _LOST_WITHOUT_EXPIRY
    return _LOSSES.get((name, value), "nobody knows what it can lose")


def _text(raw: bytes | str | None) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw or ""
