"""Sends requests over the network, through the guard, with bounds on what comes back."""

import errno
import os
import socket
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client import ClientRequest, ClientTimeout
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace
from yarl import URL

from penstock.commands.addresses import Address, parse_address
from penstock.commands.answer import Answer, Body
from penstock.commands.guard import Guard
from penstock.commands.redirect import redirected
from penstock.commands.request import Request
from penstock.errors import JobFailed

MAX_REDIRECTS = 3
MAX_EARLY = 20  # answers before the answer, as 100 and 103


class Sender:
    """One client for all requests of this process.

    Every request resolves its host anew and opens a connection of its own, so that each attempt is
    judged by where it really goes. No proxies, cookies or credentials from the environment.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Answer:
        """What the target answered. JobFailed where there was no answer, NotAllowed where none may be asked."""
        self._guard.check(request.target.host, request.target.port)
        try:
            return await self._exchange(request)
        except (aiohttp.ClientError, OSError) as error:
            raise JobFailed(f"no answer from {request.target.origin}: {_trouble(error)}") from error

    async def follow(self, request: Request) -> Answer:
        """The same, redirects followed: at most three, each judged as the first request was."""
        answer = await self.send(request)
        for _ in range(MAX_REDIRECTS):
            onward = redirected(request, answer)
            if onward is None:
                break
            request, answer = onward, await self.send(onward)
        return answer

    async def close(self) -> None:
        """No connection is open any more."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(self, request: Request) -> Answer:
        async with self._open().request(
            request.method,
            URL(request.target.url, encoded=True),
            headers={**request.headers, **request.about},
            data=request.body,
            allow_redirects=False,
        ) as response:
            headers = _headers(response)
            body = Body(headers.get("content-encoding", "").strip().lower())
            async for chunk in response.content.iter_any():
                body.feed(chunk)
                if body.full:
                    break
            return Answer(
                status=response.status, headers=headers, body=body.kept, truncated=body.truncated
            )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(self._guard),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "gzip"},
                timeout=ClientTimeout(total=None),  # the caller's deadline counts everything
                auto_decompress=False,  # Body does it with a bound
                trust_env=False,
            )
        return self._session


class _Connector(aiohttp.TCPConnector):
    """Connects only where the guard lets it."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(resolver=_Resolver(guard), use_dns_cache=False, force_close=True, limit=0)
        self._guard = guard
        answers: type[ResponseHandler] = _Answers
        self._factory = partial(answers, loop=self._loop)

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> Connection:
        """A connection whose other end has been looked at."""
        host, port = req.url.raw_host or "", req.url.port or 0
        self._guard.check(host, port)  # the host as this client understands it
        connection = await super().connect(req, traces, timeout)
        try:
            self._check_peer(connection, host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_peer(self, connection: Connection, host: str) -> None:
        peer = connection.transport and connection.transport.get_extra_info("peername")
        if not peer:
            raise aiohttp.ClientConnectionError("it hung up")
        self._guard.check_address(host, parse_address(str(peer[0])), int(peer[1]))


class _Answers(ResponseHandler):
    """Hangs up on a target that goes on announcing its answer: the client would read on without a pause."""

    _early = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Let the client have the next answer."""
        self._early += 100 <= data[0].code < 200
        if self._early <= MAX_EARLY:
            super().feed_data(data, size)
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.close()
            self.set_exception(aiohttp.ClientPayloadError())


class _Resolver(AbstractResolver):
    """The guard, as the client wants to be told of addresses."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses that may be connected to."""
        return [_found(host, one, port) for one in await self._guard.addresses(host, port)]

    async def close(self) -> None:
        """Nothing is held."""


def _found(host: str, address: Address, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers by their names in lower case, those sent several times joined."""
    joined: dict[str, str] = {}
    for name, text in response.headers.items():
        key = name.lower()
        value = text.encode("utf-8", "replace").decode()  # bytes that were no UTF-8
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def _trouble(error: Exception) -> str:
    """What went wrong, without addresses and without the target's own words."""
    if isinstance(error, aiohttp.ClientSSLError):
        return "it cannot prove by a certificate that it is who was asked for"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.os_error.errno or errno.EHOSTUNREACH)
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer broke off"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it hung up"
    if isinstance(error, aiohttp.ClientResponseError):
        return "what it sent is no HTTP"
    return type(error).__name__
