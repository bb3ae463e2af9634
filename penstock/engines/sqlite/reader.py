"""The one thread that reads: on a connection of its own, so that it never waits for the writer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from penstock.engines.sqlite.connection import Connection, in_our_words

_P = ParamSpec("_P")
_Answer = TypeVar("_Answer")


class Reader:
    """Owner of the connection that reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penstock-sqlite-reader")

    async def do(
        self,
        read: Callable[Concatenate[Connection, _P], _Answer],
        *values: _P.args,
        **named: _P.kwargs,
    ) -> _Answer:
        """What `read` finds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self.read(read, *values, **named))

    def read(
        self,
        read: Callable[Concatenate[Connection, _P], _Answer],
        *values: _P.args,
        **named: _P.kwargs,
    ) -> _Answer:
        """What `read` finds, for a thread that may block."""
        with in_our_words(self._connection.path):
            return read(self._connection, *values, **named)

    def close(self) -> None:
        """What was asked for before is read, and the connection closed."""
        self._thread.shutdown()
        self._connection.close()
