"""Where a URL leads, read so strictly that no two readers can differ about it."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from yarl import URL

from penstock.commands.addresses import Address, parse_address
from penstock.commands.placeholder import PLACEHOLDER
from penstock.errors import BadJob

MAX_URL = 2048
MAX_HOST = 253
PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]+))(?::([1-9][0-9]{0,4}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "%/?:@!$&'()*+,;=-._~[]"  # beside letters and digits; the rest travels percent-encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes. `path` holds the query too, as it goes over the wire."""

    scheme: str
    host: str  # lower case, ASCII; an IPv6 address without its brackets
    port: int
    path: str
    address: Address | None = None  # where the host is one

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a URL begins; the scheme's own port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return self.origin + self.path


def parse_target(url: str) -> Target:
    """Where the URL leads; BadJob, naming `url`, for whatever two readers could understand differently."""
    check_letters(url)
    try:
        return _target(url)
    except ValueError as error:
        raise BadJob.field("url", str(error)) from error


def check_letters(url: str) -> None:
    """Nothing, if the URL holds only letters that every reader of URLs keeps; else BadJob."""
    if len(url) > MAX_URL:
        raise BadJob.field("url", f"{len(url)} characters; at most {MAX_URL}")
    for letter in url:
        if letter == "\\" or letter.isspace() or not letter.isprintable():
            raise BadJob.field("url", f"holds {letter!a}; percent-encode it")


def _target(url: str) -> Target:
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("is no URL; write http://host/path or https://host/path")
    scheme, authority, path, query, _ = parts.groups(default="")
    scheme = scheme.lower()
    if scheme not in PORTS:
        raise ValueError(f"{scheme[:20]!a} is not spoken here; use http or https")
    host, port = _authority(authority)
    return Target(
        scheme=scheme,
        host=str(host),
        port=port or PORTS[scheme],
        path=quote(f"{path or '/'}{query}", safe=_KEPT),
        address=None if isinstance(host, str) else host,
    )


def _authority(text: str) -> tuple[str | Address, int | None]:
    if "@" in text:
        raise ValueError("holds a user before the host; send credentials in a header")
    if PLACEHOLDER in text:
        raise ValueError(f"{PLACEHOLDER} may stand in the path and the query only")
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text[:100]!a} is no host and port")
    literal, name, digits = parts.groups()
    port = int(digits) if digits else None
    if port is not None and port > 65535:
        raise ValueError(f"port {port} does not exist; use 1 to 65535")
    return (_host(name) if literal is None else _literal(literal)), port


def _literal(text: str) -> Address:
    if ":" not in text:
        raise ValueError(f"[{text[:100]}] is no IPv6 address")
    return parse_address(text)


def _host(name: str) -> str | Address:
    """The host in the one form that everybody after us sees; ValueError where there are several readings."""
    if unicodedata.normalize("NFKC", name) != name:
        raise ValueError(f"host {name[:100]!a} has a second spelling; write it plainly")
    host = _ascii(name).lower().removesuffix(".")
    if len(host) > MAX_HOST or not _NAME.fullmatch(host):
        raise ValueError(f"{name[:100]!a} is no host name")
    if not _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return host
    # getaddrinfo takes 127.1, 0177.0.0.1 and 0x7f000001 for addresses; only the canonical form is clear.
    try:
        return parse_address(host)
    except ValueError as error:
        raise ValueError(
            f"host {name[:100]!a} is a number in disguise; write an address as a.b.c.d"
        ) from error


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        host = URL.build(scheme="http", host=name).raw_host or ""
    except ValueError as error:  # UnicodeError is one
        raise ValueError(f"{name[:100]!a} is no international host name") from error
    if host.count(".") != name.count("."):  # other scripts have full stops of their own
        raise ValueError(f"host {name[:100]!a} has a second spelling; write it plainly")
    return host
