"""Renews what is held, tells who works here, and stops what was lost or is to be cancelled."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from penstock.engine import Held, Renew
from penstock.errors import EngineError
from penstock.group import QueueGroup, Store
from penstock.inspection import Health
from penstock.job import Presence
from penstock.runner.running import MARGIN, Running, Why

log = logging.getLogger(__name__)

PRESENCE_TTL = timedelta(seconds=15)
BEATS = 3  # within the shortest ttl
LOOKS = (
    20  # for what is overdue, within the shortest ttl: so that it stops before others may have it
)


class Heartbeat:
    """One beat at each third of the shortest claim ttl of the types that run here, of each store by itself."""

    def __init__(
        self,
        group: QueueGroup,
        health: Health,
        presence: Presence,
        running: Callable[[], Collection[Running]],
    ) -> None:
        self._group = group
        self._health = health
        self._presence = presence
        self._running = running

    async def run(self) -> None:
        """Beat until cancelled; a store that is away is tried again at the next beat, and holds up no other."""
        async with asyncio.TaskGroup() as tasks:
            for store in self._group.stores.values():
                tasks.create_task(self._beat_on(store))
            tasks.create_task(self._look_on())

    async def beat(self, store: Store) -> None:
        """Renew all that is held of this store, and be present in it."""
        mine = [running for running in self._running() if running.store is store]
        part = f"heartbeat:{store.name}"
        self._health.asks(part)
        try:
            if mine:
                await self._renew(store, mine)
            await store.engine.announce(self._presence, PRESENCE_TTL)
        except EngineError as error:
            self._health.fails(part, str(error))
        except Exception as error:
            self._health.fails(part, repr(error))
            log.exception("%s failed", part)
        else:
            self._health.works(part)

    async def _beat_on(self, store: Store) -> None:
        while True:
            await self.beat(store)
            await asyncio.sleep(self._shortest() / BEATS)

    async def _look_on(self) -> None:
        pause = self._shortest() / LOOKS
        while True:
            began = time.monotonic()
            await asyncio.sleep(pause)
            # Where this process itself was held up, a beat may still find everything in order.
            if time.monotonic() - began < 2 * pause:
                self._stop_overdue()

    async def _renew(self, store: Store, mine: Sequence[Running]) -> None:
        asked_at = time.monotonic()
        renewals = [self._renewal(running) for running in mine]
        for running, held in zip(mine, await store.engine.renew(renewals), strict=True):
            match held:
                case Held.LOST:
                    running.stop(Why.LOST)
                case Held.CANCEL_ASKED:
                    running.stop(Why.ASKED)
            running.held_until = asked_at + self._ttl(running).total_seconds() * MARGIN

    def _renewal(self, running: Running) -> Renew:
        return Renew(
            ref=running.claim.ref, ttl=self._ttl(running), progress=running.context.progress
        )

    def _stop_overdue(self) -> None:
        now = time.monotonic()
        for running in self._running():
            if running.held_until < now:
                running.stop(Why.LOST)

    def _ttl(self, running: Running) -> timedelta:
        return self._group.policies.of(running.claim.job.type).ttl

    def _shortest(self) -> float:
        """Seconds."""
        ttls = [self._group.policies.of(type).ttl for type in self._presence.types]
        return min([PRESENCE_TTL, *ttls]).total_seconds()
