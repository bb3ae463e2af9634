"""The seam on one SQLite file: every verb is a line that says which thread does what."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from penstock.clock import Clock, SystemClock
from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Claimed,
    Feature,
    Held,
    JobFilter,
    Promoted,
    Pushed,
    ReadyQueue,
    Reclaimed,
    Registration,
    Release,
    Renew,
    Retry,
    StoreIdentity,
    Want,
)
from penstock.engines.sqlite import reading
from penstock.engines.sqlite.examination import examine
from penstock.engines.sqlite.moves import claim, control, holder, push, upkeep
from penstock.engines.sqlite.place import file_of
from penstock.engines.sqlite.store import Place, Store
from penstock.engines.sqlite.times import stored
from penstock.engines.sqlite.writer import Act
from penstock.errors import EngineError
from penstock.examination import Examination
from penstock.job import Claim, Counts, Job, JobId, NewJob, Order, Presence, QueueKey

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def _no_crash(point: str) -> None:
    """Nothing happens at this point."""


class SqliteEngine:
    """A store in one SQLite file, worked on by any number of processes of one machine.

    `crash_points` is told the name of each point beside a commit ("push.before_commit"), for tests that die there.
    `look_every` is how often one who waits looks into the store for what no other process told him; None: as needed.
    """

    def __init__(
        self,
        url: str,
        *,
        number: int = 0,
        clock: Clock | None = None,
        crash_points: Callable[[str], None] = _no_crash,
        look_every: timedelta | None = None,
    ) -> None:
        host_clock = clock or SystemClock()
        self._host_now: Callable[[], int] = lambda: stored(host_clock.now())
        self._place = Place(
            path=file_of(url),
            number=number,
            host_now=self._host_now,
            reached=crash_points,
            look_every=look_every,
        )
        self._opening = asyncio.Lock()
        self._store: Store | None = None

    @property
    def features(self) -> frozenset[Feature]:
        """What this store promises; WAIT only where other processes can tell this one."""
        return self._open_store.features

    @property
    def identity(self) -> StoreIdentity:
        """The store's own uuid and number."""
        return self._open_store.identity

    async def open(self) -> None:
        """The file exists, at the present schema, with safe settings; this process hears of others' pushes."""
        async with self._opening:
            if self._store is None:
                self._store = await asyncio.to_thread(self._place.open)

    async def close(self) -> None:
        """What was asked for before is done; the file is closed."""
        async with self._opening:
            store, self._store = self._store, None
            if store is not None:
                store.wake.end()
                await asyncio.to_thread(store.close)

    async def migrate(self) -> Sequence[str]:
        """The file has the present schema; the names of the migrations that were applied to it."""
        return await asyncio.to_thread(self._place.migrate)

    async def pending(self) -> Sequence[str]:
        """The names of the migrations that `migrate` would apply."""
        return await asyncio.to_thread(self._place.pending)

    async def examine(self, patience: timedelta) -> Examination:
        """What can be said of the file and its place."""
        return await asyncio.to_thread(examine, self._place.path, self._host_now())

    # moves

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs, or raise the twins of those that are waiting already."""
        call = object()  # pushes at the same time share a commit, and nothing else
        return await self._write("push", push.push, [push.Asked(call, new) for new in jobs])

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots that are newer."""
        await self._write("register", push.register, registrations)

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claim what is ready, and end what is superseded on the way."""
        return await self._write_one("claim", claim.claim, (wants, worker))

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim the named jobs as far as they are waiting."""
        return await self._write_one("claim_ids", claim.claim_ids, (ids, ttl, worker))

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong the claims that are held."""
        return await self._write("renew", holder.renew, renewals)

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs done, if they are held."""
        return await self._write("ack", holder.ack, ends)

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs dead, if they are held."""
        return await self._write("bury", holder.bury, ends)

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs cancelled, or ask whoever holds them."""
        return await self._write("cancel", holder.cancel, cancels)

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Line the jobs up again, if they are held and nobody asked to cancel them."""
        return await self._write("retry", holder.retry, retries)

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Line the jobs up again as if they had not been claimed, but for the fence."""
        return await self._write("release", holder.release, releases)

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Ready the jobs of expired claims, and hand over those that must not run again."""
        return await self._write_one("reclaim", upkeep.reclaim, (limit, ttl, worker))

    async def promote(self, limit: int) -> Promoted:
        """Ready the scheduled jobs that are due."""
        return await self._write_one("promote", upkeep.promote, limit)

    async def purge(self, limit: int) -> int:
        """Delete what was kept long enough, and forget what was remembered long enough."""
        return await self._write_one("purge", upkeep.purge, limit)

    # reading

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """The queues worth a claim."""
        return await self._open_store.reader.do(reading.ready, types, domains, limit)

    async def wait(self, timeout: timedelta) -> bool:
        """True once a job may have become ready, in any process; False at the timeout."""
        return await self._open_store.wake.wait(timeout)

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs as they stand."""
        return await self._open_store.reader.do(reading.get, ids)

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """The jobs that match, highest id first."""
        return await self._open_store.reader.do(reading.list_jobs, which, limit, after)

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The counts as every move left them."""
        return await self._open_store.reader.do(reading.counts, queues)

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """How long the first ready job of each queue has been ready."""
        return await self._open_store.reader.do(reading.oldest, queues, self._host_now())

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """Count the ready jobs before each."""
        return await self._open_store.reader.do(reading.ahead, ids, order, most)

    # control

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Ready the dead jobs."""
        return await self._write("requeue", control.requeue, ids)

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs that nobody holds."""
        return await self._write("delete", control.delete, ids)

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Close the queues for claims."""
        await self._write_one("pause", control.pause, queues)

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Open the queues for claims, and wake whoever may want them."""
        await self._write_one("resume", control.resume, queues)

    async def paused(self) -> frozenset[QueueKey]:
        """The queues closed for claims."""
        return await self._open_store.reader.do(reading.paused)

    # presence

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner for a while."""
        await self._write_one("announce", control.announce, (presence, ttl))

    async def forget(self, worker: str) -> int:
        """Expire what the worker holds."""
        return await self._write_one("forget", control.forget, worker)

    async def workers(self) -> Sequence[Presence]:
        """The runners whose time has not run out."""
        return await self._open_store.reader.do(reading.workers, self._host_now())

    @property
    def _open_store(self) -> Store:
        if self._store is None:
            raise EngineError(f"store {self._place.path} is not open; open it first")
        return self._store

    async def _write(
        self, verb: str, act: Act[_Item, _Answer], items: Sequence[_Item]
    ) -> Sequence[_Answer]:
        return await self._open_store.writer.do(verb, act, items) if items else []

    async def _write_one(self, verb: str, act: Act[_Item, _Answer], item: _Item) -> _Answer:
        [answer] = await self._open_store.writer.do(verb, act, [item])
        return answer
