"""Waiting for jobs to end, also where another process ends them."""

import asyncio
import logging
import time
from datetime import timedelta

from penstock.errors import EngineUnavailable
from penstock.group import QueueGroup, Store
from penstock.job import JobId

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=100)


class Watch:
    """One look for everybody who waits: a bounded cost, however many wait; none where nobody does."""

    def __init__(self, group: QueueGroup) -> None:
        self._group = group
        self._waiting: dict[JobId, asyncio.Event] = {}
        self._waiters: dict[JobId, int] = {}
        self._looking: asyncio.Task[None] | None = None
        self._over = False

    def stop(self) -> None:
        """Nobody waits any more, now or later."""
        self._over = True
        for event in self._waiting.values():
            event.set()

    async def until_ended(self, id: JobId, timeout: timedelta) -> None:
        """Return once the job has ended, at the timeout, or when nobody shall wait any more."""
        if self._over:
            return
        event = self._waiting.setdefault(id, asyncio.Event())
        self._waiters[id] = self._waiters.get(id, 0) + 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(event.wait(), timeout.total_seconds())
        except TimeoutError:
            return
        finally:
            self._leave(id)

    def _leave(self, id: JobId) -> None:
        self._waiters[id] -= 1
        if self._waiters[id] == 0:
            del self._waiters[id], self._waiting[id]
        if not self._waiting and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while True:
            began = time.monotonic()
            for store in self._group.stores.values():
                await self._try_to_look_into(store)
            # Looking takes a sixth of the time at most, however many wait for however large jobs.
            took = time.monotonic() - began
            await asyncio.sleep(max(LOOK_EVERY.total_seconds(), 5 * took))

    async def _try_to_look_into(self, store: Store) -> None:
        try:
            await self._look_into(store)
        except EngineUnavailable:
            return  # the next look may reach it
        except Exception:
            log.exception("cannot look into store %s for jobs that have ended", store.name)

    async def _look_into(self, store: Store) -> None:
        ids = [id for id in self._waiting if self._group.store_of(id) is store]
        for id, job in zip(ids, await store.engine.get(ids) if ids else [], strict=True):
            if (job is None or job.state.ended) and id in self._waiting:
                self._waiting[id].set()
