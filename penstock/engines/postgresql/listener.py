"""Hears what the server tells on a channel, in a session of its own."""

import asyncio
from collections.abc import Callable

import asyncpg

from penstock.engines.postgresql.connection import (
    SECONDS_TO_ANSWER,
    SECONDS_TO_CLOSE,
    SECONDS_TO_CONNECT,
)
from penstock.engines.postgresql.trouble import PASSING, connected

LONG = 20  # digits that no count has


class Listener:
    """A session that hears what is told on a channel; opened when it is first needed, and again when it was lost."""

    def __init__(self, url: str, channel: str, hear: Callable[[int], None]) -> None:
        self._url = url
        self._channel = channel
        self._hear = hear
        self._turn = asyncio.Lock()
        self._session: asyncpg.Connection[asyncpg.Record] | None = None

    async def listen(self) -> None:
        """Hear from now on. Where something may have been missed, 0 is heard."""
        if self._is_deaf():
            async with self._turn:
                if self._is_deaf():
                    self._session = await connected(self._connect)
                    self._hear(0)

    async def close(self) -> None:
        """Hold no session any more."""
        async with self._turn:
            session, self._session = self._session, None
            if session is None:
                return
            try:
                await session.close(timeout=SECONDS_TO_CLOSE)
            except (*PASSING, asyncpg.PostgresError):
                session.terminate()

    def _is_deaf(self) -> bool:
        return self._session is None or self._session.is_closed()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        session = await asyncpg.connect(
            self._url,
            timeout=SECONDS_TO_CONNECT,
            command_timeout=SECONDS_TO_ANSWER,
            server_settings={"application_name": "penstock waits"},
        )
        try:
            await session.add_listener(self._channel, self._told)
        except BaseException:
            session.terminate()
            raise
        # Whoever waits comes to open it again.
        session.add_termination_listener(self._lost)
        return session

    def _told(self, _session: object, _process: int, _channel: str, count: object) -> None:
        told = str(count)
        # Anybody may notify on any channel.
        self._hear(int(told) if told.isdecimal() and len(told) < LONG else 0)

    def _lost(self, _session: object) -> None:
        self._hear(0)
