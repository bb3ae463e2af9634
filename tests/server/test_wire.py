"""Over real sockets, parsed by the HTTP server that we ship with: what only shows there."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
import uvicorn

from penstock.serialization import MAX_BYTES
from tests.server.conftest import Place

SOON = 5.0  # seconds after which a test that waits has failed
JOB = b'{"command":{"type":"mail"}}'


@dataclass(frozen=True)
class Wire:
    """A server that listens."""

    port: int

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
        """Everything that comes back until the server closes."""
        async with asyncio.timeout(SOON), self.connected() as (reader, writer):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await reader.read()

    async def ask(self, start: str, *headers: str, body: bytes = b"") -> bytes:
        """The answer to one request."""
        lines = [f"{start} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        return await self.say("\r\n".join([*lines, "", ""]).encode() + body)


@pytest.fixture
async def wire(place: Place) -> AsyncIterator[Wire]:
    """The server behind uvicorn, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            place.app,
            http="httptools",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        yield Wire(listener.getsockname()[1])
        await server.shutdown([listener])


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body of the only answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), headers, body


async def test_a_push_and_a_look_over_a_socket(wire: Wire) -> None:
    length = f"Content-Length: {len(JOB)}"
    pushed = parts(await wire.ask("POST /jobs/add", length, body=JOB))
    seen = parts(await wire.ask("GET /jobs/status/1"))

    assert (pushed[0], pushed[2]) == (200, b'{"status":"OK","job_id":1}')
    assert pushed[1]["content-type"] == "application/json"
    assert pushed[1]["content-length"] == str(len(pushed[2]))
    assert json.loads(seen[2])["data"]["worker_status"] == 0


async def test_head_is_answered_without_a_body(wire: Wire) -> None:
    status, headers, body = parts(await wire.ask("HEAD /jobs/status"))

    assert (status, body) == (200, b"")
    assert headers["content-type"] == "application/json"


async def test_what_curl_sends_by_default_is_told_what_to_send(wire: Wire) -> None:
    length = f"Content-Length: {len(JOB)}"
    form = "Content-Type: application/x-www-form-urlencoded"

    status, _, body = parts(await wire.ask("POST /jobs/add", form, length, body=JOB))

    assert status == 415
    assert b"application/json" in body


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(wire: Wire) -> None:
    announced = ["Expect: 100-continue", f"Content-Length: {MAX_BYTES + 1}"]

    answer = await wire.ask("POST /v1/jobs", *announced)

    status, headers, body = parts(answer)
    assert status == 413
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["code"] == "too_large"


async def test_a_body_in_chunks_is_refused_as_it_grows_too_large(wire: Wire) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{wire.port}\r\n"
        "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )

    answer = await wire.say(head.encode(), *[chunk] * 17, b"0\r\n\r\n")

    assert parts(answer)[0] == 413


async def test_a_client_that_leaves_in_the_middle_hurts_nobody(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire.connected() as (_, writer):
        writer.write(f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{wire.port}\r\n".encode())
        writer.write(b"Content-Length: 100\r\n\r\n{")
        await writer.drain()

    assert parts(await wire.ask("GET /livez"))[0] == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


SMUGGLED = [
    "Content-Length: +27",
    "Content-Length: 27, 27",
    "Content-Length: 27\r\nContent-Length: 28",
    "Content-Length: 0x1b",
    "Content-Length: -1",
    "Content-Length: 27\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding : chunked",
    "Content-Length : 27",
    "X: a\r\n b: folded\r\nContent-Length: +27",
    "X: \0\r\nContent-Length: 27",
]


@pytest.mark.parametrize("headers", SMUGGLED)
async def test_an_ambiguous_length_is_refused_and_the_connection_closed(
    headers: str, wire: Wire
) -> None:
    second = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{wire.port}\r\n\r\n".encode()
    first = f"POST /jobs/add HTTP/1.1\r\nHost: 127.0.0.1:{wire.port}\r\n{headers}\r\n\r\n".encode()

    answer = await wire.say(first + JOB + second)

    assert answer.count(b"HTTP/1.1 ") == 1
    assert parts(answer)[0] == 400


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /livez HTTP/9.9",
        "GET /li vez HTTP/1.1",
        "G\0T / HTTP/1.1",
        "{}",
    ],
)
async def test_what_is_no_request_is_refused(request_line: str, wire: Wire) -> None:
    answer = await wire.say(f"{request_line}\r\nHost: localhost\r\n\r\n".encode())

    assert parts(answer)[0] == 400


async def test_a_request_without_host_is_refused(wire: Wire) -> None:
    old = parts(await wire.say(b"GET /livez HTTP/1.0\r\n\r\n"))
    new = parts(await wire.say(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"))

    assert (old[0], new[0]) == (403, 403)


async def test_the_path_that_was_escaped_twice_is_not_unescaped_twice(wire: Wire) -> None:
    answer = await wire.ask("GET /jobs/status/%2531")

    assert parts(answer)[0] == 404


async def test_what_a_client_says_of_its_address_is_nothing(wire: Wire) -> None:
    answer = await wire.ask("GET /livez", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1")

    assert parts(answer)[0] == 200
