"""The driver: a pool of connections that answers in time or says that it cannot."""

from datetime import timedelta
from typing import Any, TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from penstock.engines.redis.address import Address, address_of

CONNECTIONS = 10
CONNECT_TIMEOUT = timedelta(seconds=5)
ANSWER_TIMEOUT = timedelta(seconds=30)

Client: TypeAlias = Redis


def connect(url: str) -> Client:
    """A client of this server; it connects when it is first used. EngineError for a URL that names none."""
    address = address_of(url)
    return Redis.from_pool(
        BlockingConnectionPool(
            max_connections=CONNECTIONS,
            timeout=ANSWER_TIMEOUT.total_seconds(),
            socket_connect_timeout=CONNECT_TIMEOUT.total_seconds(),
            socket_timeout=ANSWER_TIMEOUT.total_seconds(),
            # A verb whose answer was lost may have happened: whether to repeat it is not for the driver to say.
            retry=Retry(NoBackoff(), 0),
            client_name="penstock",
            username=address.user,
            password=address.password,
            db=address.database,
            **_way_to(address),
        )
    )


def _way_to(address: Address) -> dict[str, Any]:
    if address.socket is not None:
        return {"connection_class": UnixDomainSocketConnection, "path": address.socket}
    way: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "socket_keepalive": True,
    }
    if not address.tls:
        return way
    return way | {
        "connection_class": SSLConnection,
        "ssl_ca_certs": address.tls_ca,
        "ssl_certfile": address.tls_cert,
        "ssl_keyfile": address.tls_key,
    }
