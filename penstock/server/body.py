"""The body of a request: its size, its media type, and the JSON object in it.

Unreadable (400) is a body that cannot be read at all; what is read and wrong in a field is BadJob (422).
"""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request

from penstock.errors import BadJob, CallerError, FieldError
from penstock.serialization import JSON, MAX_BYTES, JSONObject, check, parse
from penstock.server import forms

JSON_TYPE = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FIELD = "body"

T = TypeVar("T")

_LENGTH_DIGITS = 15  # longer texts are not turned into a number at all
_UTF8 = frozenset({"utf-8", "utf8"})
_SAY_JSON = "send JSON with -H 'Content-Type: application/json'"


class Unreadable(BadJob):
    """The body cannot be read as what this path takes."""


class TooLarge(CallerError):
    """The body is above 1 MiB (1048576 bytes); send less at once."""


class UnsupportedMedia(CallerError):
    """The body is of a kind that is not taken here."""


async def json_object(request: Request) -> JSONObject:
    """The JSON object that the request carries; no type at all counts as JSON."""
    headers = request.headers
    _refuse_encoded(headers)
    content_type = headers.get("content-type", JSON_TYPE)
    _refuse_other_than_json(content_type)
    return _json(await received(request))


async def nothing(request: Request) -> None:
    """The request carries no body, null or an empty JSON object; else Unreadable, or BadJob naming a field."""
    content = await received(request)
    if not content:
        return
    _refuse_encoded(request.headers)
    _refuse_other_than_json(request.headers.get("content-type", JSON_TYPE))
    if content == b"null":  # what many a client makes of no body
        return
    for name in _json(content):
        raise BadJob.field(name, "is unknown; this takes no fields")


async def json_or_form(request: Request) -> JSONObject:
    """The JSON object that the request carries, or the one that its form spells out in PHP's way."""
    headers = request.headers
    content_type = headers.get("content-type", JSON_TYPE)
    kind = _essence(content_type)
    if kind not in {URLENCODED, MULTIPART}:
        return await json_object(request)
    _refuse_encoded(headers)
    content = await received(request)
    _refuse_json_called_form(content, kind)
    return _form(kind, content, content_type)


async def received(request: Request) -> bytes:
    """The whole body; TooLarge as soon as it says, or shows, that it is above 1 MiB."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > _LENGTH_DIGITS or int(length) > MAX_BYTES):
        raise TooLarge
    content = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            content += chunk
            if len(content) > MAX_BYTES:
                raise TooLarge
    return bytes(content)


def kind_of(value: JSON) -> str:
    """What a value is called in JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case Mapping():
            return "an object"
    return "a list"


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _refuse_encoded(headers: Headers) -> None:
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMedia(f"Content-Encoding {encoding[:50]!a} is not taken; send plain JSON")


def _refuse_other_than_json(content_type: str) -> None:
    if content_type == JSON_TYPE:
        return
    kind = _essence(content_type)
    if kind != JSON_TYPE:
        raise UnsupportedMedia(f"Content-Type {kind[:50]!a} is not taken here; {_SAY_JSON}")
    charset = forms.parameters(content_type).get("charset", "utf-8")
    if charset.lower() not in _UTF8:
        raise UnsupportedMedia(f"charset {charset[:50]!a} is not taken; send UTF-8")


def _refuse_json_called_form(content: bytes, kind: str) -> None:
    # `curl -d` without a header says form; taken as one, its JSON would become the name of a field.
    if kind == URLENCODED and content.lstrip()[:1] in {b"{", b"["}:
        raise UnsupportedMedia(f"the body is JSON, but Content-Type calls it a form; {_SAY_JSON}")


def _json(content: bytes) -> JSONObject:
    if not content:
        raise Unreadable.field(FIELD, "is empty; send a JSON object")
    value = _readable(lambda: parse(content, field=FIELD))
    if not isinstance(value, Mapping):
        raise Unreadable.field(FIELD, f"is {kind_of(value)}; send a JSON object")
    return value


def _form(kind: str, content: bytes, content_type: str) -> JSONObject:
    if kind == URLENCODED:
        fields = _readable(lambda: forms.urlencoded(content))
    else:
        boundary = forms.parameters(content_type).get("boundary", "")
        fields = _readable(lambda: forms.multipart(content, boundary))
    _readable(lambda: check(fields, field=FIELD))
    return fields


def _readable(read: Callable[[], T]) -> T:
    try:
        return read()
    except BadJob as error:
        raise Unreadable([_as_sent(wrong) for wrong in error.errors]) from error


def _as_sent(error: FieldError) -> FieldError:
    return FieldError(error.field.removeprefix(f"{FIELD}."), error.detail)
