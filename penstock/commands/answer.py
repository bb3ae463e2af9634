"""What a target answered: read with bounds, kept as a result, and what its status means."""

import codecs
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from penstock.commands.kept import clean, fit
from penstock.policy import MAX_RESULT
from penstock.serialization import JSONObject

MAX_BODY = 1024 * 1024  # after decoding; nothing beyond it is read
MAX_TAKEN = 2 * MAX_BODY  # before it: what decodes to nothing must end too
MAX_KEPT_HEADERS = 8 * 1024
LONGEST_WAIT = timedelta(hours=1)

_GZIP_OR_ZLIB = 47
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_RETRIED = frozenset({408, 425, 429})
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
# Only these: other codecs are slow on purpose, or make text that is none.
_CHARSETS = frozenset(
    {
        *("utf-8", "ascii", "iso8859-1", "iso8859-2", "iso8859-15", "koi8-r", "utf-16"),
        *("cp1250", "cp1251", "cp1252", "shift_jis", "euc_jp", "euc_kr", "gb18030", "big5"),
    }
)
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, its body decoded as far as it is kept."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    truncated: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the target did what it was asked."""
        return 200 <= self.status < 300

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in _RETRIED or self.status >= 500

    @property
    def says(self) -> str:
        """The status in words of the standard; the target's own words may be anything."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def retry_after(self, now: datetime) -> timedelta | None:
        """How long the target asks to be left alone, at most an hour; None where it asks nothing."""
        asked = self.headers.get("retry-after", "").strip()
        wait = _wait(asked, now)
        return None if wait is None else min(max(wait, timedelta(0)), LONGEST_WAIT)

    def result(self) -> JSONObject:
        """The answer as the result of a job, cut where it would be too long."""
        headers, dropped = _kept_headers(self.headers)
        text = _text(self.body, self.headers.get("content-type", ""), whole=not self.truncated)
        return fit(
            {
                "status": self.status,
                "headers": headers,
                "body": clean(text),
                "truncated": self.truncated or dropped,
            },
            "body",
        )


class Body:
    """Takes in a body chunk by chunk; decodes at most MAX_BODY of it and keeps its beginning."""

    def __init__(self, coding: str) -> None:
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if coding in _CODINGS else None
        self._kept = bytearray()
        self._size = 0
        self._taken = 0
        self._incomplete = False

    def feed(self, chunk: bytes) -> None:
        """Take in the next chunk."""
        self._taken += len(chunk)
        data = self._decoded(chunk)
        self._size += len(data)
        self._kept += data[: MAX_RESULT - len(self._kept)]

    @property
    def full(self) -> bool:
        """Whether nothing that follows can matter."""
        return self._size > MAX_BODY or self._taken > MAX_TAKEN

    @property
    def kept(self) -> bytes:
        """The beginning of the body."""
        return bytes(self._kept)

    @property
    def truncated(self) -> bool:
        """Whether anything of the body is not in `kept`."""
        return self._incomplete or self.full or self._size > len(self._kept)

    def _decoded(self, chunk: bytes) -> bytes:
        if self._inflate is None:
            return chunk
        if self._inflate.eof:  # it would collect whatever comes after its end
            self._incomplete, self._size = True, MAX_BODY + 1
            return b""
        try:
            # At most one byte beyond the bound is ever made of a bomb.
            data = self._inflate.decompress(chunk, MAX_BODY + 1 - self._size)
        except zlib.error:  # the target did its work; only its words are lost
            self._inflate, self._size = None, MAX_BODY + 1
            return b""
        self._incomplete = not self._inflate.eof or bool(self._inflate.unused_data)
        return data


def _wait(asked: str, now: datetime) -> timedelta | None:
    if _SECONDS.fullmatch(asked):
        return timedelta(seconds=int(asked))
    try:
        until = parsedate_to_datetime(asked)
    except (ValueError, OverflowError):  # the latter for a time zone beyond all bounds
        return None
    return (until if until.tzinfo else until.replace(tzinfo=UTC)) - now


def _kept_headers(headers: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    kept: dict[str, str] = {}
    room = MAX_KEPT_HEADERS
    for name, text in headers.items():
        room -= len(name) + len(text)
        if room >= 0:
            kept[name] = clean(text)
    return kept, room < 0


def _text(body: bytes, content_type: str, *, whole: bool) -> str:
    decoder = codecs.getincrementaldecoder(_charset(content_type))(errors="replace")
    return decoder.decode(body, final=whole)  # a letter cut in two at the end is left out


def _charset(content_type: str) -> str:
    named = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(named[1]).name if named else "utf-8"
    except LookupError:
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"
