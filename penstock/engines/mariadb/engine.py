# long: one method for each of the seam's, each a line
"""The engine: each verb is work for a thread that has a session of its own."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

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
from penstock.engines.mariadb import schema
from penstock.engines.mariadb.address import address_of
from penstock.engines.mariadb.database import Database
from penstock.engines.mariadb.examination import examine
from penstock.engines.mariadb.moves import claim, control, holder, push, reading, upkeep
from penstock.engines.mariadb.moves import ends as ended
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.session import SECONDS_TO_ANSWER, Session
from penstock.engines.mariadb.statements import call
from penstock.engines.mariadb.wake import Wake
from penstock.errors import EngineError
from penstock.examination import Examination
from penstock.job import Claim, Counts, Job, JobId, NewJob, Order, Presence, QueueKey

PATIENCE = timedelta(seconds=5)  # with what is under way when the engine is closed
SECONDS_TO_MIGRATE = (
    6 * 3600
)  # for a statement of a migration: an index over all finished jobs takes its time
NOTHING = timedelta(0)

_T = TypeVar("_T")


class MariadbEngine:
    """Many processes on many hosts, one MariaDB."""

    def __init__(self, url: str, *, number: int = 0) -> None:
        self._number = number
        self._address = address_of(url)
        self._database = Database(self._address, schema.check_server)
        self._numbers = Numbers()
        self._changing = asyncio.Lock()
        self._wake: Wake | None = None
        self._features: frozenset[Feature] | None = None
        self._identity: StoreIdentity | None = None

    @property
    def features(self) -> frozenset[Feature]:
        """What the server, as it is set, really promises. Known once open."""
        if self._features is None:
            raise EngineError("the mariadb engine was never open; call open() first")
        return self._features

    @property
    def identity(self) -> StoreIdentity:
        """The store's own uuid and number. Known once open."""
        if self._identity is None:
            raise EngineError("the mariadb engine was never open; call open() first")
        return self._identity

    async def open(self) -> None:
        """Be connected, with the schema up to date and the number checked."""
        async with self._changing:
            if self._wake is not None:
                return
            self._database.open()
            self._numbers = Numbers()
            try:
                if await self._database.run(_pending):
                    await self.migrate()
                count = await self._database.run(self._open)
            except BaseException:
                await self._database.close(PATIENCE)
                raise
            self._wake = Wake(count, self._look)

    async def close(self) -> None:
        """Take no more calls, wait for those under way, and hold no session any more."""
        async with self._changing:
            wake, self._wake = self._wake, None
            if wake is not None:
                wake.end()
            await self._database.close(PATIENCE)

    async def pending(self) -> Sequence[str]:
        """The names of the migrations that `migrate` would apply."""
        return await self._aside(_pending, SECONDS_TO_ANSWER)

    async def migrate(self) -> Sequence[str]:
        """The database has the present schema; the names of the migrations that were applied to it."""
        return await self._aside(_migrate, SECONDS_TO_MIGRATE)

    async def examine(self, patience: timedelta) -> Examination:
        """What the server, as it is set, says of itself."""
        seconds = max(1, int(patience.total_seconds() / 2))  # to connect, and to answer
        return await self._aside(examine, seconds)

    async def _aside(self, work: Callable[[Session], _T], seconds_to_answer: int) -> _T:
        """What `work` returns, on a session of its own: the engine need not be open."""
        database = Database(self._address, schema.check_server, seconds_to_answer)
        database.open()
        try:
            return await database.run(work)
        finally:
            await database.close(PATIENCE)

    def _open(self, session: Session) -> int:
        self._features = schema.features_of(session)
        self._identity = schema.identify(session, self._number)
        return _count(session)

    async def _look(self) -> int:
        return await self._run(_count)

    async def _run(self, work: Callable[[Session], _T]) -> _T:
        return await self._database.run(work)

    def _woken(self) -> None:
        """A job may be ready: whoever waits in this process knows it at once."""
        if self._wake is not None:
            self._wake.committed()

    # push

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs, or raise the twins of those that are waiting already."""
        if not jobs:
            return []
        numbers = self._numbers
        pushed = await self._run(lambda session: push.push(session, jobs, numbers))
        self._woken()
        return pushed

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots that are newer."""
        if not registrations:
            return
        numbers = self._numbers
        await self._run(lambda session: push.register(session, registrations, numbers))

    # claim

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claim what is ready, and end what is superseded on the way."""
        numbers = self._numbers
        return await self._run(lambda session: claim.claim(session, wants, worker, numbers))

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim the named jobs as far as they are waiting."""
        return await self._run(
            lambda session: claim.claim_ids(session, ids, ttl=ttl, worker=worker)
        )

    # what the holder of a claim may do

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong the claims that are held."""
        return await self._run(lambda session: holder.renew(session, renewals))

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs done, if they are held."""
        numbers = self._numbers
        held = await self._run(lambda session: ended.ack(session, ends, numbers))
        self._woken_by(ends)
        return held

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs dead, if they are held."""
        numbers = self._numbers
        held = await self._run(lambda session: ended.bury(session, ends, numbers))
        self._woken_by(ends)
        return held

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs cancelled, or ask whoever holds them."""
        numbers = self._numbers
        answers = await self._run(lambda session: ended.cancel(session, cancels, numbers))
        self._woken_by(cancels)
        return answers

    def _woken_by(self, ended: Sequence[Ack | Bury | Cancel]) -> None:
        if any(end.follow_ups for end in ended):
            self._woken()

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Line the jobs up again, if they are held and nobody asked to cancel them."""
        held = await self._run(lambda session: holder.retry(session, retries))
        if any(each.after <= NOTHING for each in retries):
            self._woken()
        return held

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Line the jobs up again as if they had not been claimed, but for the fence."""
        held = await self._run(lambda session: holder.release(session, releases))
        if any(each.after <= NOTHING for each in releases):
            self._woken()
        return held

    # upkeep

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Ready the jobs of expired claims, and hand over those that must not run again."""
        reclaimed = await self._run(
            lambda session: upkeep.reclaim(session, limit, ttl=ttl, worker=worker)
        )
        if reclaimed.readied:
            self._woken()
        return reclaimed

    async def promote(self, limit: int) -> Promoted:
        """Ready the scheduled jobs that are due."""
        promoted = await self._run(lambda session: upkeep.promote(session, limit))
        if promoted.count:
            self._woken()
        return promoted

    async def purge(self, limit: int) -> int:
        """Delete what was kept long enough, and forget what was remembered long enough."""
        return await self._run(lambda session: upkeep.purge(session, limit))

    # reading

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """The queues worth a claim, in random order among equals, so that none of them starves."""
        return await self._run(lambda session: reading.ready(session, types, domains, limit=limit))

    async def wait(self, timeout: timedelta) -> bool:
        """True once a job became ready, False at the timeout. Nothing wakes a client: the store is looked at."""
        if self._wake is None:
            raise EngineError("the mariadb engine is not open; call open() first")
        return await self._wake.wait(timeout)

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs as they stand."""
        return await self._run(lambda session: reading.get(session, ids))

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """The jobs that match, highest id first."""
        return await self._run(
            lambda session: reading.list_jobs(session, which, limit=limit, after=after)
        )

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The sums of the tallies of the queues."""
        return await self._run(lambda session: reading.counts(session, queues))

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """How long the first ready job of each queue has been ready."""
        return await self._run(lambda session: reading.oldest(session, queues))

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """Count the ready jobs before each."""
        return await self._run(lambda session: reading.ahead(session, ids, order, most=most))

    # control

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Ready the dead jobs."""
        moved = await self._run(lambda session: control.requeue(session, ids))
        if any(moved):
            self._woken()
        return moved

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs that nobody holds."""
        return await self._run(lambda session: control.delete(session, ids))

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Close the queues for claims."""
        await self._run(lambda session: control.pause(session, queues))

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Open the queues for claims, and wake whoever may want them."""
        await self._run(lambda session: control.resume(session, queues))
        self._woken()

    async def paused(self) -> frozenset[QueueKey]:
        """The queues closed for claims."""
        return await self._run(control.paused)

    # presence

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner for a while."""
        await self._run(lambda session: control.announce(session, presence, ttl))

    async def forget(self, worker: str) -> int:
        """Expire what the worker holds."""
        return await self._run(lambda session: control.forget(session, worker))

    async def workers(self) -> Sequence[Presence]:
        """The runners whose time has not run out."""
        return await self._run(control.workers)


def _pending(session: Session) -> Sequence[str]:
    schema.features_of(session)
    return schema.pending(session)


def _migrate(session: Session) -> Sequence[str]:
    schema.features_of(session)
    return schema.migrate(session)


def _count(session: Session) -> int:
    """How often a job of the store may have become ready."""
    [[[count]]] = session.run(call("wait"))
    return int(count or 0)
