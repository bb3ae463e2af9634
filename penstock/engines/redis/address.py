"""What a store's URL says: `redis://user:password@host:6379/0`."""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from penstock.errors import EngineError

PORT = 6379
EXAMPLE = "redis://user:password@host:6379/0"
_SCHEMES = ("redis", "rediss")
_KNOWN = frozenset({"socket", "tls_ca", "tls_cert", "tls_key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server is, who we are there, and which of its databases is meant."""

    host: str
    port: int
    socket: str | None
    user: str | None
    password: str | None
    database: int
    tls: bool
    tls_ca: str | None  # a file of authorities to trust instead of the system's
    tls_cert: str | None  # a file with our own certificate, for a server that asks for one
    tls_key: str | None


def address_of(url: str) -> Address:
    """What the URL says; EngineError where it cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        more = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        _refuse_stray_password(parts)
    except ValueError:  # which quotes what it read, and that may be a password
        raise EngineError(
            f"the url of the redis store cannot be read; write '{EXAMPLE}', "
            "and in a password %2F for /, %3F for ?, %23 for #, %40 for @"
        ) from None
    if parts.scheme not in _SCHEMES:
        raise EngineError(
            f"a url that begins with {parts.scheme!r} is none of the redis engine; write '{EXAMPLE}'"
        )
    _check(more, tls=parts.scheme == "rediss")
    return Address(
        host=parts.hostname or "127.0.0.1",
        port=port,
        socket=more.get("socket"),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=_database(parts.path),
        tls=parts.scheme == "rediss",
        tls_ca=more.get("tls_ca"),
        tls_cert=more.get("tls_cert"),
        tls_key=more.get("tls_key"),
    )


def _refuse_stray_password(parts: SplitResult) -> None:
    """ValueError where a / ? or # of the password has ended what names user, password and host."""
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError


def _check(more: dict[str, str], *, tls: bool) -> None:
    if unknown := sorted(more.keys() - _KNOWN):
        raise EngineError(
            f"the url of the redis store names {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}"
        )
    if not tls and (unused := sorted(more.keys() - {"socket"})):
        raise EngineError(
            f"the url of the redis store names {unused[0]!r} but asks for no TLS; write 'rediss://...'"
        )
    if ("tls_cert" in more) != ("tls_key" in more):
        raise EngineError(
            "the url of the redis store names only one of 'tls_cert' and 'tls_key'; name both"
        )
    if tls and "socket" in more:
        raise EngineError(
            "the url of the redis store names a socket and asks for TLS; write 'redis:///0?socket=...'"
        )


def _database(path: str) -> int:
    name = path.removeprefix("/") or "0"
    if not name.isdecimal():
        raise EngineError(
            f"the url of the redis store names the database {name!r}, which is no number; write '{EXAMPLE}'"
        )
    return int(name)
