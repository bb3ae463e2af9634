"""What the conformance suite needs around the Redis engine."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from penstock.engine import Engine
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.connection import connect
from penstock.engines.redis.keys import id_text, keys
from penstock.engines.redis.scripts import composed
from penstock.job import JobId
from tests.servers.redis import Server

AGE = composed((Path(__file__).parent / "age.lua").read_text())


class RedisHarness:
    """An engine on an empty store 0, and a connection of a stranger to it."""

    def __init__(self, url: str, server: Server) -> None:
        self.url = url
        self.stranger = connect(url)
        self._server = server
        self._left = AsyncExitStack()
        self.engine = RedisEngine(url)

    async def __aenter__(self) -> Self:
        await self.empty()
        await self.engine.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._left.aclose()
        await self.engine.close()
        await self.stranger.aclose()

    @property
    def is_private(self) -> bool:
        """Whether the server is ours, and its settings and users too."""
        return self._server.is_private

    @asynccontextmanager
    async def somebody(
        self,
        *,
        categories: Sequence[str] = ("+@all",),
        commands: Sequence[str] = (),
        keys: Sequence[str] = ("*",),
        channels: Sequence[str] = ("*",),
    ) -> AsyncIterator[RedisEngine]:
        """An open engine of a user with these rights, which are all but for what is named."""
        if not self.is_private:
            pytest.skip("the users of a given server are not ours to add")
        await self.stranger.acl_setuser(
            "somebody",
            enabled=True,
            passwords=["+pass"],
            keys=keys,
            channels=channels,
            categories=categories,
            commands=commands,
            reset=True,
            reset_channels=True,
        )
        engine = RedisEngine(self.url.replace("redis://", "redis://somebody:pass@"))
        try:
            await engine.open()
            yield engine
        finally:
            await engine.close()
            await self.stranger.acl_deluser("somebody")

    async def empty(self) -> None:
        """Nothing is left of store 0."""
        if names := await self.names():
            await self.stranger.unlink(*names)

    async def names(self, pattern: str = "{penstock:0}:*") -> list[str]:
        """The names of all keys like this."""
        found = await self.stranger.keys(pattern)
        return [name.decode() if isinstance(name, bytes) else name for name in found]

    async def age(self, duration: timedelta) -> None:
        """Every stored time lies further back."""
        script = self.stranger.register_script(AGE)
        await script(keys=keys(0), args=[duration // timedelta(microseconds=1)])

    async def crash(self) -> None:
        """The process is gone, and its server with it; both are started again."""
        opened = self.engine._opened
        assert opened is not None
        await opened.wake.close()
        await opened.client.connection_pool.disconnect()
        if self._server.is_private:
            self._server.kill()
            self._server.start()
        self.engine = RedisEngine(self.url)
        await self.engine.open()

    async def reopen(self) -> None:
        """Closed and opened."""
        await self.engine.close()
        await self.engine.open()

    async def second(self) -> Engine:
        """One with connections of its own."""
        other = RedisEngine(self.url)
        self._left.push_async_callback(other.close)
        await other.open()
        return other

    async def spoil(self, id: JobId) -> None:
        """Bytes that are neither text nor JSON."""
        [job] = [key for key in keys(0) if key.endswith(":job:")]
        for field in ("params", "details"):
            await self.stranger.hset(f"{job}{id_text(id)}", field, b"\xff{")
