"""What a client can do to one connection, over real sockets."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from penstock.cli import protocol
from penstock.cli.protocol import MAX_ASIDE, MAX_WAITING, BoundedProtocol

SOON = 10.0  # seconds after which a test that waits has failed
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the names of the headers, and the body."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    names = b",".join(name for name, _ in scope["headers"])
    told = names + b"|" + body[:100]
    length = str(len(told)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await send({"type": "http.response.body", "body": told})


class Door:
    """A server that listens."""

    def __init__(self, port: int) -> None:
        self.port = port

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, closed afterwards."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def say(self, *pieces: bytes) -> bytes:
        """What comes back until the server hangs up."""
        async with asyncio.timeout(SOON), self.connected() as (reader, writer):
            answer = b""
            with suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            with suppress(ConnectionError):
                while part := await reader.read(65536):
                    answer += part
            return answer

    async def ask(self, *pieces: bytes) -> bytes:
        """What comes back until an answer of `echo` is complete."""
        async with asyncio.timeout(SOON), self.connected() as (reader, writer):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return await reader.readexactly(length)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """The echo behind uvicorn, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            echo,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        yield Door(listener.getsockname()[1])
        await server.shutdown([listener])


ENDLESS = {
    "a header": (HEAD + b"X: ", b"y" * 1000),
    "a name": (HEAD, b"y" * 1000),
    "a url": (b"GET /", b"y" * 1000),
    "headers": (HEAD, b"A: b\r\n" * 100),
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n" * 100),
    "a trailer": (CHUNKED + b"0\r\nX: ", b"y" * 1000),
    "a chunk's extension": (CHUNKED + b"1;", b"y" * 1000),
    "extensions": (CHUNKED, b"1;" + b"y" * 998 + b"\r\nz\r\n"),
    "nothing": (b"", b"\r\n" * 500),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_has_no_end_is_refused(what: str, door: Door) -> None:
    start, more = ENDLESS[what]

    answer = await door.say(start, *[more] * (64 * MAX_ASIDE // len(more)))

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


async def test_a_body_is_not_counted_however_it_is_cut(door: Door) -> None:
    body = b"z" * (2 * MAX_ASIDE)
    small = b"1\r\nz\r\n" * (2 * MAX_ASIDE)

    whole = await door.ask(HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body)
    chunked = await door.ask(CHUNKED, small, b"0\r\n\r\n")

    assert whole == b"host,content-length|" + body[:100]
    assert chunked == b"host,transfer-encoding|" + body[:100]


async def test_many_requests_on_one_connection_are_answered(door: Door) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 30_000 + b"\r\n\r\n"
    async with asyncio.timeout(SOON), door.connected() as (reader, writer):
        for _ in range(2 * MAX_ASIDE // len(request)):
            writer.write(request)
            assert (await reader.readuntil(b"host,x|")).startswith(b"HTTP/1.1 200 ")


async def test_requests_may_come_ahead_but_not_without_an_end(door: Door) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    some = await door.say(request * 50 + b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    too_many = await door.say(request * (MAX_WAITING + 10))

    assert some.count(b"HTTP/1.1 200 ") == 51
    assert b"HTTP/1.1 400 " in too_many


async def test_a_trailer_is_no_header(door: Door) -> None:
    trailer = b"0\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"

    assert await door.ask(CHUNKED + b"1\r\nz\r\n" + trailer) == b"host,transfer-encoding|z"
    assert await door.ask(CHUNKED, b"1\r\nz\r\n", trailer) == b"host,transfer-encoding|z"


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"x"])
async def test_an_offer_to_speak_otherwise_is_overheard(offer: bytes, door: Door) -> None:
    head = HEAD + b"Connection: Upgrade\r\nUpgrade: " + offer + b"\r\nContent-Length: 14\r\n\r\n"
    body = b"a\r\nUpgrade: b\r\n"[:14]

    assert (await door.ask(head + body)).endswith(b"|" + body)
    assert (await door.ask(head, body)).endswith(b"|" + body)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests must arrive at once."""
    monkeypatch.setattr(protocol, "MAX_SECONDS", 0.05)


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"GET / HTTP/1.1\r\nHo",),
        (HEAD + b"Content-Length: 10\r\n\r\n", b"half"),
        (CHUNKED, b"1\r\nz\r\n"),
        (b"\r\n",),
        (HEAD + b"Content-Length: 0\r\n\r\nGET / HT",),
    ],
)
@pytest.mark.usefixtures("hurried")
async def test_who_is_late_is_left(pieces: tuple[bytes, ...], door: Door) -> None:
    assert b" 400 " not in await door.say(*pieces)


async def test_connections_leave_files_for_others(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(protocol, "SHARE", files // 3)  # three connections
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    async with door.connected() as first, door.connected() as second:
        for reader, writer in (first, second):
            writer.write(request)
            await reader.readuntil(b"host|")
        third = await door.ask(request)
        async with door.connected():
            one_too_many = await door.say(request)
        again = await door.ask(request)

    assert (third, one_too_many, again) == (b"host|", b"", b"host|")
