"""Real servers on this machine for commands to reach, or not to reach."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from penstock.commands.request import Request
from penstock.commands.sender import Sender
from penstock.commands.target import parse_target

DEADLINE = 10.0
HERE = ["127.0.0.0/8"]  # where these servers listen

Opener = Callable[..., Sender]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str  # with the query, as it was on the wire
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Target:
    """Answers with the replies it was given, in their order, then with an empty 200."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.replies: deque[Reply] = deque()
        self.arrived = asyncio.Event()
        self.silent = False
        self.released = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def reply(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Answer a coming request so; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self.replies.append(Reply(status=status, headers=named, body=body))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take in a request and answer it."""
        self.seen.append(
            Seen(
                method=request.method,
                path=request.raw_path,
                headers={name.lower(): text for name, text in request.headers.items()},
                body=await request.read(),
            )
        )
        self.arrived.set()
        if self.silent:
            await self.released.wait()
        reply = self.replies.popleft() if self.replies else Reply()
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)


@asynccontextmanager
async def serving() -> AsyncIterator[Target]:
    """A target, listening."""
    target = Target()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", target.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        target.port = runner.addresses[0][1]
        yield target
    finally:
        target.released.set()
        await runner.cleanup()


class Canary:
    """A listener that must not be reached."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[bytes] = []
        self._ended = asyncio.Condition()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Remember the connection and what came over it."""
        received = await reader.read(-1)
        writer.close()
        async with self._ended:
            self.received.append(received)
            self._ended.notify_all()

    async def visits(self) -> int:
        """How many connections there were; each has ended.

        A visit of our own comes last: the system hands out connections in the order they were made.
        """
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"control")
        writer.close()
        async with asyncio.timeout(DEADLINE), self._ended:
            await self._ended.wait_for(lambda: b"control" in self.received)
        return len(self.received) - 1


@asynccontextmanager
async def watching() -> AsyncIterator[Canary]:
    """A canary, listening on loopback."""
    canary = Canary()
    server = await asyncio.start_server(canary.take, "127.0.0.1", 0)
    canary.port = server.sockets[0].getsockname()[1]
    async with server:
        yield canary


@asynccontextmanager
async def saying(*parts: bytes, then_hang: bool = False) -> AsyncIterator[int]:
    """The port of a server that says these bytes to everybody, then hangs up, or does not."""
    released = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then_hang:
            await released.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        released.set()


def get(url: str, **headers: str) -> Request:
    """A request of the simplest kind."""
    return Request(method="GET", target=parse_target(url), headers=headers)
