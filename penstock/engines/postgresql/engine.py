# long: one method for each of the seam's, most of them a statement and its answer
"""The engine: each method is one statement, one round trip and one commit."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from penstock.engine import (
    WHOLE_BATCH,
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
    Stamp,
    StoreIdentity,
    Want,
)
from penstock.engines.postgresql import arguments, schema
from penstock.engines.postgresql.arguments import storable
from penstock.engines.postgresql.connection import Database, Row
from penstock.engines.postgresql.examination import examine
from penstock.engines.postgresql.horizon import ENOUGH, Horizon
from penstock.engines.postgresql.listener import Listener
from penstock.engines.postgresql.rows import claims_of, stored_job
from penstock.engines.postgresql.wake import Wake
from penstock.errors import EngineError, EngineUnavailable
from penstock.examination import Examination
from penstock.job import Claim, Counts, Job, JobId, NewJob, Order, Presence, QueueKey, State

_SCHEMES = ("postgresql://", "postgres://")
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")

_T = TypeVar("_T")


class PostgresqlEngine:
    """Many processes on many hosts, one PostgreSQL."""

    def __init__(
        self, url: str, *, number: int = 0, schema: str = "penstock", listen_url: str | None = None
    ) -> None:
        for name, given in (("url", url), ("listen_url", listen_url or url)):
            if not given.startswith(_SCHEMES):
                # Its scheme alone: a password may be in the rest.
                scheme = given.partition(":")[0][:20]
                raise EngineError(
                    f"store {name} {scheme!r} is none of the postgresql engine; write 'postgresql://...'"
                )
        if _SCHEMA.fullmatch(schema) is None:
            raise EngineError(
                f"schema {schema!r} is no plain name; use up to 63 of a-z 0-9 _, and start with a letter"
            )
        self._number = number
        self._url = url
        self._schema = schema
        self._database = Database(url, schema)
        self._listens = listen_url is not None  # in any case; else not by a pooler
        self._horizon = Horizon(self._lowest_ready_id)
        self._wake = Wake(self._listen, self._count_of_wakes)
        self._listener = Listener(listen_url or url, schema, self._wake.hear)
        self._features: frozenset[Feature] | None = None
        self._identity: StoreIdentity | None = None

    @property
    def features(self) -> frozenset[Feature]:
        """What the server, as it is set, really promises. Known once open."""
        if self._features is None:
            raise EngineError("the postgresql engine was never open; call open() first")
        return self._features

    @property
    def identity(self) -> StoreIdentity:
        """The store's own uuid and number. Known once open."""
        if self._identity is None:
            raise EngineError("the postgresql engine was never open; call open() first")
        return self._identity

    async def open(self) -> None:
        """Be connected, with the schema up to date and the number checked."""
        await self._database.open()
        self._wake.open()
        try:
            self._listens = self._listens or not self._database.is_pooled
            self._features = await schema.features_of(self._database) - self._unkept()
            await schema.migrate(self._database)
            self._identity = await schema.identify(self._database, self._number)
        except BaseException:
            await self.close()
            raise

    async def learn(self, stamps: Sequence[Stamp]) -> None:
        """Whoever pushes by `penstock_push` has these stamps on his jobs."""
        await schema.keep_policies(self._database, arguments.of_stamps(stamps))

    async def close(self) -> None:
        """Hold no session any more; whoever waits is told."""
        self._wake.close()
        await self._listener.close()
        await self._database.close()

    async def pending(self) -> Sequence[str]:
        """The migrations, and the functions of this release, that `migrate` would make."""
        return await self._aside(_checked(schema.pending))

    async def migrate(self) -> Sequence[str]:
        """The schema is the present one; what was applied to it."""
        return await self._aside(_checked(schema.migrate))

    async def examine(self, patience: timedelta) -> Examination:
        """What the server, as it is set, says of itself."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                return await self._aside(examine)
        except TimeoutError as error:
            raise EngineUnavailable(f"postgresql has not answered for {patience}") from error

    # push

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs, or raise the twins of those that are waiting already."""
        rows = await self._database.fetch("push", **arguments.of_jobs(jobs))
        if any(row["deduplicated"] for row in rows):
            self._horizon.lose()
        return [
            Pushed(
                id=JobId(row["id"]),
                deduplicated=row["deduplicated"],
                replayed=row["replayed"],
                conflict=row["conflict"],
                at=row["at"],
            )
            for row in rows
        ]

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots that are newer."""
        await self._database.fetch("register", **arguments.of_registrations(registrations))

    # claim

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claim what is ready, and end what is superseded on the way."""
        since = await self._horizon.id()
        claimed = await self._claim(wants, worker, since)
        if claimed.claims or claimed.superseded or not since:
            return claimed
        self._horizon.lose()
        return await self._claim(wants, worker, since=0)

    async def _claim(self, wants: Sequence[Want], worker: str, since: int) -> Claimed:
        rows = await self._database.fetch(
            "claim",
            worker=worker,
            whole_batch=WHOLE_BATCH,
            since=since,
            **arguments.of_wants(wants),
        )
        return Claimed(claims_of(rows), rows[0]["superseded"])

    async def _lowest_ready_id(self) -> int:
        [row] = await self._database.fetch("claim_horizon", enough=ENOUGH)
        id: int = row["id"]
        return id

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim the named jobs as far as they are waiting."""
        return claims_of(await self._database.fetch("claim_ids", ids=ids, ttl=ttl, worker=worker))

    # what the holder of a claim may do

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong the claims that are held."""
        said = [renewal.progress for renewal in renewals]
        rows = await self._database.fetch(
            "renew",
            **arguments.of_claims(renewal.ref for renewal in renewals),
            ttls=[renewal.ttl for renewal in renewals],
            percents=[progress and progress.percent for progress in said],
            messages=[progress and storable(progress.message) for progress in said],
        )
        return _how_held(rows, len(renewals))

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs done, if they are held."""
        rows = await self._database.fetch(
            "ack", **arguments.of_claims(end.ref for end in ends), **arguments.of_ends(ends)
        )
        return _was_held(rows, len(ends))

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs dead, if they are held."""
        rows = await self._database.fetch(
            "bury",
            **arguments.of_claims(end.ref for end in ends),
            **arguments.of_ends(ends),
            errors=[storable(end.error) for end in ends],
        )
        return _was_held(rows, len(ends))

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs cancelled, or ask whoever holds them."""
        answers: dict[int, CancelAnswer] = {}
        for places in _turns(cancels):
            answers |= await self._cancel({place: cancels[place] for place in places})
        return [answers[place] for place in range(len(cancels))]

    async def _cancel(self, left: Mapping[int, Cancel]) -> Mapping[int, CancelAnswer]:
        """The answers by place. A job that moved while it was looked for is looked for again."""
        answers: dict[int, CancelAnswer] = {}
        while left:
            rows = await self._database.fetch(
                "cancel",
                ids=[cancel.id for cancel in left.values()],
                fences=[cancel.fence for cancel in left.values()],
                **arguments.of_ends(list(left.values())),
                errors=[storable(cancel.error) for cancel in left.values()],
            )
            told = dict(zip(left, rows, strict=True))
            answers |= {place: _cancel_answer(row) for place, row in told.items()}
            left = {place: cancel for place, cancel in left.items() if told[place]["moved"]}
        return answers

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Line the jobs up again, if they are held and nobody asked to cancel them."""
        rows = await self._database.fetch(
            "retry",
            **arguments.of_claims(retry.ref for retry in retries),
            afters=[retry.after for retry in retries],
            errors=[storable(retry.error) for retry in retries],
        )
        self._horizon.lose()
        return _how_held(rows, len(retries))

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Line the jobs up again as if they had not been claimed, but for the fence."""
        rows = await self._database.fetch(
            "release",
            **arguments.of_claims(release.ref for release in releases),
            afters=[release.after for release in releases],
        )
        self._horizon.lose()
        return _how_held(rows, len(releases))

    # upkeep

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Ready the jobs of expired claims, and hand over those that must not run again."""
        rows = await self._database.fetch("reclaim", limit=limit, ttl=ttl, worker=worker)
        readied: int = rows[0]["readied"]
        if readied:
            self._horizon.lose()
        return Reclaimed(readied, claims_of(rows))

    async def promote(self, limit: int) -> Promoted:
        """Ready the scheduled jobs that are due."""
        [row] = await self._database.fetch("promote", limit=limit)
        if row["count"]:
            self._horizon.lose()
        return Promoted(row["count"], row["next_in"])

    async def purge(self, limit: int) -> int:
        """Delete what was kept long enough, and forget what was remembered long enough."""
        [row] = await self._database.fetch("purge", limit=limit)
        count: int = row["count"]
        return count

    # reading

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """The queues worth a claim, in random order among equals, so that none of them starves."""
        asked = {
            "types": list(types),
            "domains": None if domains is None else list(domains),
            "limit": limit,
        }
        since = await self._horizon.id()
        rows = await self._database.fetch("ready", since=since, **asked)
        if since and not rows:
            self._horizon.lose()
            rows = await self._database.fetch("ready", since=0, **asked)
        return [ReadyQueue(queue=_queue(row), priority=row["priority"]) for row in rows]

    async def wait(self, timeout: timedelta) -> bool:
        """True soon after a job may have become ready."""
        return await self._wake.wait(timeout)

    async def _listen(self) -> None:
        if self._listens:
            await self._listener.listen()

    def _unkept(self) -> frozenset[Feature]:
        """What a pooler takes away: it forgets who listens."""
        return frozenset() if self._listens else frozenset({Feature.WAIT})

    async def _count_of_wakes(self) -> int:
        [row] = await self._database.fetch("wait")
        count: int = row["count"]
        return count

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs as they stand."""
        rows = await self._database.fetch("get", ids=ids)
        found = {row["id"]: stored_job(row) for row in rows}
        return [found.get(id) for id in ids]

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """The jobs that match, highest id first."""
        rows = await self._database.fetch(
            "list",
            domain=which.domain,
            type=which.type,
            state=which.state,
            limit=limit,
            after=after,
        )
        return [stored_job(row) for row in rows]

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The sums of the tallies of the queues."""
        named = arguments.of_queues(queues or ())
        rows = await self._database.fetch(
            "counts", **(named if queues is not None else dict.fromkeys(named))
        )
        zeros = dict.fromkeys(queues or (), Counts())
        return zeros | {_queue(row): _counts(row) for row in rows}

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """How long the first ready job of each queue has been ready."""
        rows = await self._database.fetch("oldest", **arguments.of_queues(queues))
        return {_queue(row): row["age"] for row in rows}

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """Count the ready jobs before each."""
        rows = await self._database.fetch("ahead", ids=ids, ordering=order, most=most)
        found: dict[JobId, int] = {row["id"]: row["count"] for row in rows}
        return [found.get(id) for id in ids]

    # control

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Ready the dead jobs."""
        requeued = _first_of_each(await self._database.fetch("requeue", ids=ids), ids)
        self._horizon.lose()
        return requeued

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs that nobody holds."""
        return _first_of_each(await self._database.fetch("delete", ids=ids), ids)

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Close the queues for claims."""
        await self._database.fetch("pause", **arguments.of_queues(queues))

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Open the queues for claims, and wake whoever may want them."""
        await self._database.fetch("resume", **arguments.of_queues(queues))

    async def paused(self) -> frozenset[QueueKey]:
        """The queues closed for claims."""
        return frozenset(_queue(row) for row in await self._database.fetch("paused"))

    # presence

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner for a while."""
        await self._database.fetch(
            "announce",
            worker=presence.worker,
            slots=presence.slots,
            types=sorted(presence.types),
            ttl=ttl,
        )

    async def forget(self, worker: str) -> int:
        """Expire what the worker holds."""
        [row] = await self._database.fetch("forget", worker=worker)
        count: int = row["count"]
        return count

    async def workers(self) -> Sequence[Presence]:
        """The runners whose time has not run out."""
        rows = await self._database.fetch("workers")
        return [
            Presence(worker=row["worker"], slots=row["slots"], types=frozenset(row["types"]))
            for row in rows
        ]

    async def _aside(self, work: Callable[[Database], Awaitable[_T]]) -> _T:
        """What `work` returns, on sessions of its own: the engine need not be open."""
        database = Database(self._url, self._schema)
        try:
            await database.open()
            return await work(database)
        finally:
            await database.close()


def _checked(
    work: Callable[[Database], Awaitable[_T]],
) -> Callable[[Database], Awaitable[_T]]:
    """The work, on a server that can serve."""

    async def checked(database: Database) -> _T:
        await schema.features_of(database)
        return await work(database)

    return checked


def _was_held(rows: Sequence[Row], asked: int) -> list[bool]:
    places = {row["place"] for row in rows}
    return [place in places for place in range(1, asked + 1)]


def _how_held(rows: Sequence[Row], asked: int) -> list[Held]:
    found = {
        row["place"]: Held.CANCEL_ASKED if row["cancel_requested"] else Held.HELD for row in rows
    }
    return [found.get(place, Held.LOST) for place in range(1, asked + 1)]


def _first_of_each(rows: Sequence[Row], ids: Sequence[JobId]) -> list[bool]:
    """True where an id that was moved is named first: the second time there was nothing left to move."""
    moved = {row["id"] for row in rows}
    first = {id: place for place, id in reversed(list(enumerate(ids)))}
    return [id in moved and first[id] == place for place, id in enumerate(ids)]


def _turns(cancels: Sequence[Cancel]) -> list[list[int]]:
    """The places of cancels that may go together: up to one that has a follow-up with a key.

    Its twin may be among the jobs that are cancelled after it, and must still wait when the follow-up is pushed.
    """
    turns: list[list[int]] = [[]]
    for place, cancel in enumerate(cancels):
        turns[-1].append(place)
        if any(each.job.dedupe_key is not None for each in cancel.follow_ups):
            turns.append([])
    return turns


def _cancel_answer(row: Row) -> CancelAnswer:
    if row["cancelled"]:
        return CancelAnswer.CANCELLED
    return CancelAnswer.ASKED if row["asked"] else CancelAnswer.REFUSED


def _queue(row: Row) -> QueueKey:
    return QueueKey(row["domain"], row["type"])


def _counts(row: Row) -> Counts:
    return Counts(
        **{state.value: row[state] for state in State}, deleted=row["deleted"], pushed=row["pushed"]
    )
