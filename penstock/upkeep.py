"""Promotes, reclaims and purges: a loop of its own in every process that stays up, also without a runner."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from penstock.errors import EngineError
from penstock.group import End, QueueGroup, Store
from penstock.inspection import Health
from penstock.policy import expired

log = logging.getLogger(__name__)

BATCH = 500
CLAIM_TTL = timedelta(seconds=15)  # of what is handed out to be ended
PROMOTE_EVERY = timedelta(milliseconds=250)
RECLAIM_EVERY = timedelta(seconds=1)
PURGE_EVERY = timedelta(seconds=30)
PATIENCE = timedelta(seconds=1)

Turn = Callable[[Store], Awaitable[timedelta]]


class Upkeep:
    """Keeps the stores in order until it is cancelled. Any number of processes may do so at once."""

    def __init__(self, group: QueueGroup, health: Health, *, worker: str) -> None:
        self._group = group
        self._health = health
        self._worker = f"{worker}/upkeep"

    async def run(self) -> None:
        """Turn all loops of all stores; each survives every error of its store."""
        turns: dict[str, Turn] = {
            "promote": self.promote,
            "reclaim": self.reclaim,
            "purge": self.purge,
        }
        async with asyncio.TaskGroup() as tasks:
            for store in self._group.stores.values():
                for name, turn in turns.items():
                    tasks.create_task(self._loop(f"{name}:{store.name}", store, turn))

    async def promote(self, store: Store) -> timedelta:
        """Scheduled jobs that are due are ready; answers when to look again."""
        promoted = await store.engine.promote(BATCH)
        if promoted.next_in is None:
            return PROMOTE_EVERY
        return max(min(promoted.next_in, PROMOTE_EVERY), timedelta(0))

    async def reclaim(self, store: Store) -> timedelta:
        """Expired claims are ready again, or ended where they may not run again; answers when to look again."""
        reclaimed = await store.reclaim(BATCH, ttl=CLAIM_TTL, worker=self._worker)
        if reclaimed.last:
            await store.finish([End(claim, expired(claim.job)) for claim in reclaimed.last])
        full = reclaimed.readied + len(reclaimed.last) >= BATCH
        return timedelta(0) if full else RECLAIM_EVERY

    async def purge(self, store: Store) -> timedelta:
        """A batch of what nobody needs any more is deleted; answers when to look again."""
        return (
            timedelta(milliseconds=50) if await store.engine.purge(BATCH) >= BATCH else PURGE_EVERY
        )

    async def _loop(self, part: str, store: Store, turn: Turn) -> None:
        while True:
            self._health.asks(part)
            try:
                pause = await turn(store)
            except EngineError as error:
                self._health.fails(part, str(error))
                pause = PATIENCE
            except Exception as error:
                self._health.fails(part, repr(error))
                log.exception("%s failed", part)
                pause = PATIENCE
            else:
                self._health.works(part)
            await asyncio.sleep(pause.total_seconds())
