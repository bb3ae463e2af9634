"""The driver: a pool of connections that answers in time or says that it cannot."""

from datetime import timedelta
from typing import TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from penstock.errors import EngineError

CONNECTIONS = 10
CONNECT_TIMEOUT = timedelta(seconds=5)
ANSWER_TIMEOUT = timedelta(seconds=30)

Client: TypeAlias = Redis


def connect(url: str) -> Client:
    """A client of this server; it connects when it is first used. EngineError for a URL that names none."""
    try:
        return Redis.from_pool(_pool(url))
    except ValueError as error:
        raise EngineError(f"the url of the store names no server: {error}") from error


def _pool(url: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=ANSWER_TIMEOUT.total_seconds(),
        socket_connect_timeout=CONNECT_TIMEOUT.total_seconds(),
        socket_timeout=ANSWER_TIMEOUT.total_seconds(),
        # A verb whose answer was lost may have happened: whether to repeat it is not for the driver to say.
        retry=Retry(NoBackoff(), 0),
    )
