"""HTTP as uvicorn speaks it, with bounds on what a client can make us keep."""

import asyncio
import re
import resource
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of a request, in bytes: all that is not its body, as its head and the frames of its chunks.
MAX_ASIDE = 64 * 1024
MAX_WAITING = 1000  # requests of a connection that came before an earlier one was answered
MAX_SECONDS = 30.0  # for a request to arrive, and for a new connection to begin one
SHARE = 2  # connections may take one of so many of the files that this process may open

_FRAME = 8  # bytes that may lie around each byte of a body that comes in small chunks
_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)


class BoundedProtocol(HttpToolsProtocol):
    """One connection; closed if its client sends without an end, too slowly, or more than is answered.

    Trailers are dropped: whoever passed them on may have judged the headers only, so they must not be taken for some.
    The offer to speak another protocol is overheard, as HTTP allows: else the parser would keep the body for that one.
    """

    _aside = 0
    _in_head = True
    _at_start = True
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take in what comes, unless connections would leave no files for anything else."""
        super().connection_made(cast(asyncio.Transport, transport))
        if len(self.connections) > _most_connections():
            self.transport.close()
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._relax()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in the next bytes, if what is not a body stays within its bounds."""
        self._aside += len(data)
        if self._at_start:
            self._expect()
            data = _without_offer(data)
        super().data_received(data)
        if self._aside > MAX_ASIDE and not self.transport.is_closing():
            self.send_400_response(f"More than {MAX_ASIDE} bytes beside a body.")

    def on_message_begin(self) -> None:
        """A head comes."""
        self._in_head, self._at_start = True, False
        self._expect()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the header; not the trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request be answered, in its turn."""
        self._in_head = False
        super().on_headers_complete()
        if len(self.pipeline) > MAX_WAITING:
            raise ValueError("too many requests wait for an answer")  # answered with 400

    def on_body(self, body: bytes) -> None:
        """Take in a part of the body."""
        self._aside = max(0, self._aside - _FRAME * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next byte begins another request."""
        self._aside = 0
        self._at_start = True
        self._relax()
        super().on_message_complete()

    def _expect(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(MAX_SECONDS, self.transport.close)

    def _relax(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _most_connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, files // SHARE) if files != resource.RLIM_INFINITY else 2**31


def _without_offer(data: bytes) -> bytes:
    """The beginning of a request, with the header of the offer under a name that means nothing."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-offered:", head) + end + rest
