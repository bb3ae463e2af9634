"""Hears what the server tells on a channel, on a connection of its own, which is made again when it was lost."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from redis.exceptions import ConnectionError, RedisError, TimeoutError

from penstock.engines.redis.connection import Client

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(milliseconds=500)
AGAIN_WHERE_REFUSED = timedelta(minutes=1)
QUIET = timedelta(seconds=15)  # until we ask for a sign of life, and then until we give up

Hear = Callable[[int | None], None]


class Listener:
    """Listens from its start to its close, as far as the server lets it."""

    def __init__(self, client: Client, channel: str, quiet: timedelta = QUIET) -> None:
        self._client = client
        self._channel = channel
        self._quiet = quiet
        self._listening: asyncio.Task[None] | None = None
        self._closed = False
        self.is_listening = False

    def start(self, hear: Hear) -> None:
        """What is told is heard from soon on; None where something may have been missed. Twice is fine."""
        if self._listening is None and not self._closed:
            self._listening = asyncio.create_task(self._listen(hear))

    async def close(self) -> None:
        """Hold no connection any more. Twice is fine."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        await self._client.aclose()

    async def _listen(self, hear: Hear) -> None:
        while True:
            pause = await self._hear_until_lost(hear)
            if self.is_listening:
                self.is_listening = False
                hear(None)
            await asyncio.sleep(pause.total_seconds())

    async def _hear_until_lost(self, hear: Hear) -> timedelta:
        """How long to wait before the next try."""
        try:
            await self._hear_all(hear)
        except (ConnectionError, TimeoutError, OSError) as error:
            log.info("the connection that listens was lost: %s", error)
            return AGAIN_AFTER
        except RedisError as error:
            log.warning("redis does not let us listen, it is looked at instead: %s", error)
        except Exception:
            log.exception("cannot listen, the store is looked at instead")
        return AGAIN_WHERE_REFUSED

    async def _hear_all(self, hear: Hear) -> None:
        async with self._client.pubsub() as channel:
            await channel.subscribe(self._channel)
            is_asked = False
            while True:
                message = await channel.get_message(timeout=self._quiet.total_seconds())
                if message is not None:
                    self._take(message, hear)
                elif is_asked:
                    raise ConnectionError("the server gives no sign of life")
                else:
                    await channel.ping()
                is_asked = message is None

    def _take(self, message: Mapping[str, object], hear: Hear) -> None:
        match message:
            case {"type": "subscribe"}:
                self.is_listening = True
                hear(None)
            case {"type": "message", "data": bytes(told)} if told.isdigit():
                hear(int(told))
            case {"type": "message"}:  # anybody may tell anything on any channel
                hear(None)
