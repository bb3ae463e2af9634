"""What a store's URL says: `mariadb://user:password@host:3306/database`."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from penstock.errors import EngineError

PORT = 3306
_KNOWN = frozenset({"socket", "tls_ca"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the database is and who we are there."""

    host: str
    port: int
    socket: str | None
    user: str
    password: str
    database: str
    tls_ca: str | None  # a file; with it the server must show a certificate that it signed

    def __str__(self) -> str:
        return self.socket or f"{self.host}:{self.port}"


def address_of(url: str) -> Address:
    """What the URL says; EngineError where it cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        more = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError as error:
        raise EngineError(f"the url of the mariadb store cannot be read: {error}") from error
    if parts.scheme != "mariadb":
        raise EngineError(
            f"a url that begins with {parts.scheme!r} is none of the mariadb engine; "
            "write 'mariadb://user:password@host/database'"
        )
    if unknown := sorted(more.keys() - _KNOWN):
        raise EngineError(
            f"the url of the mariadb store names {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}"
        )
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise EngineError(
            "the url of the mariadb store names no database; "
            "write 'mariadb://user:password@host/database'"
        )
    return Address(
        host=parts.hostname or "127.0.0.1",
        port=port,
        socket=more.get("socket"),
        user=unquote(parts.username or "penstock"),
        password=unquote(parts.password or ""),
        database=database,
        tls_ca=more.get("tls_ca"),
    )
