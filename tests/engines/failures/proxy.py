"""A proxy that carries bytes between clients and the socket of a server, and can fail in the ways of a network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum

SIZE = 2**16
MOST_EXCHANGES = 12


class Fault(Enum):
    """What becomes of a request."""

    REQUEST = "request lost"  # the server never hears of it, and the connection is cut
    ANSWER = "answer lost"  # the server does it, and the connection is cut


class Proxy:
    """On a free port of loopback. A request is all that a client says between two answers."""

    def __init__(self, way: str) -> None:
        self._way = way
        self._fault: Fault | None = None
        self._spared = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._swallowed = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cuts = 0

    def cut(self, fault: Fault, *, after: int = 0) -> None:
        """After so many requests from now, one is lost; the others pass."""
        self._fault, self._spared = fault, after

    def pass_all(self) -> None:
        """Nothing is lost any more."""
        self._fault = None
        self._flows.set()

    def swallow_all(self) -> None:
        """Connections are taken and kept, and nothing comes through, either way."""
        self._flows.clear()
        self._swallowed.clear()

    def cut_all(self) -> None:
        """Every connection is cut now."""
        for connection in self._open:
            connection.cancel()

    async def taken(self) -> None:
        """Something was swallowed."""
        await self._swallowed.wait()

    async def settled(self) -> None:
        """The server has ended what it was asked for on those connections that were cut."""
        while self._ending:
            await asyncio.wait(self._ending)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Proxy"]:
        """It takes connections."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut_all()
            await asyncio.gather(*self._open, return_exceptions=True)
            await self.settled()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._open.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._way)
        connection = _Connection(self, reader, writer, server_reader, server_writer)
        try:
            await connection.run()
        finally:
            ending = asyncio.ensure_future(_end(server_reader, server_writer))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def flow(self) -> None:
        """Something may be carried."""
        if not self._flows.is_set():
            self._swallowed.set()
        await self._flows.wait()

    def fate(self) -> Fault | None:
        """What becomes of the request that begins now."""
        if self._fault is None:
            return None
        if self._spared:
            self._spared -= 1
            return None
        fault, self._fault = self._fault, None
        self.cuts += 1
        return fault


class _Connection:
    """One client, and the server's end for it."""

    def __init__(
        self,
        proxy: Proxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client = reader, writer
        self._server = server_reader, server_writer
        self._asking = False
        self._fault: Fault | None = None

    async def run(self) -> None:
        """Carry until one side ends, or a fault ends it."""
        ways = [asyncio.ensure_future(self._ask()), asyncio.ensure_future(self._answer())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _ask(self) -> None:
        while data := await self._client[0].read(SIZE):
            await self._proxy.flow()
            if not self._asking:
                self._asking = True
                self._fault = self._proxy.fate()
            if self._fault is Fault.REQUEST:
                return
            self._server[1].write(data)
            await self._server[1].drain()

    async def _answer(self) -> None:
        while data := await self._server[0].read(SIZE):
            await self._proxy.flow()
            if self._fault is Fault.ANSWER:
                return
            self._asking = False
            self._client[1].write(data)
            await self._client[1].drain()


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server hears that nobody asks any more, says what it has to, and ends."""
    with suppress(OSError):
        writer.write_eof()
        while await reader.read(SIZE):
            pass
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
