"""What a store's URL says: `mariadb://user:password@host:3306/database`."""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from penstock.errors import EngineError

PORT = 3306
EXAMPLE = "mariadb://user:password@host/database"
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
        _refuse_stray_password(parts)
    except ValueError:  # which quotes what it read, and that may be a password
        raise EngineError(
            f"the url of the mariadb store cannot be read; write '{EXAMPLE}', "
            "and in a password %2F for /, %3F for ?, %23 for #, %40 for @"
        ) from None
    if parts.scheme != "mariadb":
        raise EngineError(
            f"a url that begins with {parts.scheme!r} is none of the mariadb engine; "
            f"write '{EXAMPLE}'"
        )
    if unknown := sorted(more.keys() - _KNOWN):
        raise EngineError(
            f"the url of the mariadb store names {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}"
        )
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise EngineError(f"the url of the mariadb store names no database; write '{EXAMPLE}'")
    return Address(
        host=parts.hostname or "127.0.0.1",
        port=port,
        socket=more.get("socket"),
        user=unquote(parts.username or "penstock"),
        password=unquote(parts.password or ""),
        database=database,
        tls_ca=more.get("tls_ca"),
    )


def _refuse_stray_password(parts: SplitResult) -> None:
    """ValueError where a / ? or # of the password has ended what names user, password and host."""
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError
