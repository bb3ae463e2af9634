"""A client without sockets: it speaks ASGI to the application, as a server would after parsing a request."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

from penstock.serialization import JSON

Headers: TypeAlias = Iterable[tuple[str, str]]
HERE = "127.0.0.1:1337"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value; None where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> JSON:
        """The body, decoded."""
        value: JSON = json.loads(self.body)
        return value

    def object(self) -> Mapping[str, JSON]:
        """The body, which must be a JSON object."""
        value = self.json()
        assert isinstance(value, Mapping)
        return value

    @property
    def code(self) -> JSON:
        """The code of the problem, which this must be, complete."""
        told = self.object()
        assert self.header("content-type") == "application/problem+json"
        assert set(told) == {"type", "title", "status", "detail", "instance", "code", "errors"}
        assert told["status"] == self.status
        return told["code"]

    @property
    def fields(self) -> list[str]:
        """The fields that the problem names."""
        errors = self.object()["errors"]
        assert isinstance(errors, list)
        return [error["field"] for error in errors if isinstance(error, dict)]


class Client:
    """Asks the application, from some address, on some interface of ours."""

    def __init__(
        self, app: ASGIApp, *, caller: str | None = "127.0.0.1", interface: str = "127.0.0.1"
    ) -> None:
        self._app = app
        self._caller = caller
        self._interface = interface

    async def get(self, path: str, headers: Headers = ()) -> Answer:
        """GET the path."""
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, value: JSON = None, headers: Headers = ()) -> Answer:
        """POST the value as JSON."""
        told = [("Content-Type", "application/json"), *headers]
        return await self.ask("POST", path, json.dumps(value).encode(), headers=told)

    async def put(self, path: str, value: JSON = None) -> Answer:
        """PUT the value as JSON."""
        told = [("Content-Type", "application/json")]
        return await self.ask("PUT", path, json.dumps(value).encode(), headers=told)

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | Sequence[bytes] = b"",
        *,
        headers: Headers = (),
        host: str | None = HERE,
        gone: asyncio.Event | None = None,
    ) -> Answer:
        """Send the request, its body in pieces if it is given so; the client goes once `gone` is set, else it stays."""
        named = [] if host is None else [("Host", host)]
        pieces = [body] if isinstance(body, bytes) else list(body)
        sent = asyncio.Queue[Message]()
        scope = self._scope(method, path, [*named, *headers])
        await self._app(scope, _receiver(pieces, gone or asyncio.Event()), sent.put)
        return _answer(sent)

    def _scope(self, method: str, path: str, headers: Headers) -> Scope:
        raw, _, query = path.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (name.lower().encode(), value.encode("latin-1")) for name, value in headers
            ],
            "client": None if self._caller is None else (self._caller, 50000),
            "server": (self._interface, 1337),
        }


class _receiver:  # noqa: N801  it is called like a function
    """Gives the pieces of a body, then says that the client has gone, once it has."""

    def __init__(self, pieces: Sequence[bytes], gone: asyncio.Event) -> None:
        self._pieces = list(pieces)
        self._gone = gone

    async def __call__(self) -> Message:
        if not self._pieces:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}


def _answer(sent: asyncio.Queue[Message]) -> Answer:
    start = sent.get_nowait()
    body = b""
    while not sent.empty():
        body += sent.get_nowait()["body"]
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]
    ]
    return Answer(start["status"], headers, body)
