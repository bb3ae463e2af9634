"""Renews what is held, tells who works here, and stops what was lost or is to be cancelled."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from penstock.engine import Held, Renew
from penstock.errors import EngineError
from penstock.group import QueueGroup, Store
from penstock.inspection import Health
from penstock.job import Presence
from penstock.runner.running import Running, Why

PRESENCE_TTL = timedelta(seconds=15)
MARGIN = 0.9  # a claim that could not be renewed for this share of its ttl counts as lost


class Heartbeat:
    """One beat at each third of the shortest claim ttl of the types that run here."""

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
        """Beat until cancelled; a store that is away is tried again at the next beat."""
        while True:
            for store in self._group.stores.values():
                await self.beat(store)
            self._stop_overdue()
            await asyncio.sleep(self._pause())

    async def beat(self, store: Store) -> None:
        """Renew all that is held of this store, and be present in it."""
        mine = [running for running in self._running() if running.store is store]
        part = f"heartbeat:{store.name}"
        try:
            await store.engine.announce(self._presence, PRESENCE_TTL)
            if mine:
                await self._renew(store, mine)
        except EngineError as error:
            self._health.fails(part, str(error))
            return
        self._health.works(part)

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

    def _pause(self) -> float:
        ttls = [self._group.policies.of(type).ttl for type in self._presence.types]
        return min([PRESENCE_TTL, *ttls]).total_seconds() / 3
