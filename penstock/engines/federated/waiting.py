"""Waiting for the partitions: whichever may have something ready first ends the wait."""

import asyncio
from datetime import timedelta

from penstock.engine import Engine
from penstock.engines.federated.partitions import Partitions, Replies
from penstock.errors import UnsupportedFeature


class Waiting:
    """All who wait for one federation."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions
        self._over = asyncio.Event()

    def end(self) -> None:
        """Nobody waits any more."""
        self._over.set()
        self._over = asyncio.Event()

    async def wait(self, timeout: timedelta) -> bool:
        """True once one of those that can be reached says so, or one that is left alone is to be asked again.

        False at the timeout or the end. EngineUnavailable where none can be waited for.
        """
        woken = asyncio.create_task(self._woken(timeout))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({woken, over}, return_when=asyncio.FIRST_COMPLETED)
            return woken.done() and woken.result()
        finally:
            await _cancelled({woken, over})

    async def _woken(self, timeout: timedelta) -> bool:
        returns_in = self._partitions.returns_in
        is_cut = returns_in is not None and returns_in < timeout.total_seconds()
        most = timedelta(seconds=returns_in) if returns_in is not None and is_cut else timeout

        async def wait_for(engine: Engine) -> bool:
            return await engine.wait(most)

        waits = {
            asyncio.create_task(self._partitions.ask({name: wait_for}))
            for name in self._partitions.live
        }
        try:
            return await _first(waits) or is_cut
        finally:
            await _cancelled(waits)


async def _first(waits: set[asyncio.Task[Replies[bool]]]) -> bool:
    """Whether any of them was woken."""
    found: Replies[bool] = Replies({}, {})
    pending = set(waits)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        replies = [one.result() for one in done]
        if any(woken for one in replies for woken in one.answers.values()):
            return True
        for one in replies:
            found = Replies({**found.answers, **one.answers}, {**found.troubles, **one.troubles})
        if any(isinstance(one, UnsupportedFeature) for one in found.troubles.values()):
            found.every()
    return any(found.some().values())


async def _cancelled(tasks: set[asyncio.Task[bool]] | set[asyncio.Task[Replies[bool]]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
