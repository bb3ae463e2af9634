# long: the whole contract, to be read in one go
"""The seam: what every engine can do with jobs, and what each method leaves true.

Every method takes and returns many and is one round trip. Time is the store's: durations travel,
times do not.
Every end of a claim names the job and its fence; a claim that is no longer held changes nothing and
answers so.
An engine knows no rule: what a failure means is decided in `policy.py`. One undecodable row never
fails its batch:
its job carries `unreadable`, and whoever claimed it buries it. `engines/memory.py` is the reference.

Errors: EngineUnavailable for every transient trouble (nothing is known to have happened);
EngineError for the rest.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from penstock.job import (
    Claim,
    ClaimRef,
    Counts,
    Delivery,
    FollowUp,
    Job,
    JobId,
    NewJob,
    Order,
    Presence,
    Progress,
    QueueKey,
    Root,
    State,
)

ROOT_MEMORY = timedelta(days=28)
IDEMPOTENCY_MEMORY = timedelta(hours=24)
WHOLE_BATCH = 1000


class Feature(StrEnum):
    """What an engine may promise."""

    ATOMIC = "atomic"  # a push of many is all or none
    DURABLE = "durable"  # what was answered survives kill -9 and power loss
    SHARED = "shared"  # several processes work on one store
    WAIT = "wait"  # wait() is woken by other processes, without polling
    DELAY = "delay"  # jobs may be scheduled
    ORDER = "order"  # the order of a queue holds over the whole store


class Held(StrEnum):
    """What a claim was found to be."""

    HELD = "held"
    LOST = "lost"
    CANCEL_ASKED = "cancel asked"


class CancelAnswer(StrEnum):
    """What a cancel did."""

    CANCELLED = "cancelled"
    ASKED = "asked"  # the job is claimed: its worker is told when it renews
    REFUSED = "refused"  # ended already, unknown, or the fence is old: nothing changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of one pushed job."""

    id: JobId  # 0 of a conflict
    deduplicated: bool = False  # an equal job was waiting; it was raised, its id is given
    replayed: bool = False  # the idempotency key was known; nothing was stored
    conflict: bool = (
        False  # its key was used for another push; nothing asked for with it was stored
    )
    # When that was, by the store's clock; of a replay, when the first one was; None of a conflict. It tells no two
    # answers apart.
    at: datetime | None = field(default=None, compare=False)


CONFLICT = Pushed(id=JobId(0), conflict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A root that is to be known where no job that carries it is pushed."""

    queue: QueueKey
    root: Root


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """How many jobs of one queue are wanted, and how."""

    queue: QueueKey
    limit: int
    ttl: timedelta
    order: Order = Order.PRIORITY
    floor: int = 0  # jobs of a lower priority are left alone
    keep: timedelta = timedelta(days=1)  # how long jobs found superseded stay readable


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer of a claim: no claims and some superseded is not an empty queue."""

    claims: Sequence[Claim]
    superseded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """A sign of life from the holder of a claim."""

    ref: ClaimRef
    ttl: timedelta | None  # from now; None leaves the claim's time alone
    progress: Progress | None = None  # None leaves the progress alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The job is done."""

    ref: ClaimRef
    result: str | None = None  # JSON text
    keep: timedelta = timedelta(days=1)  # zero: deleted at once
    follow_ups: Sequence[FollowUp] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bury:
    """The job is dead."""

    ref: ClaimRef
    error: str
    result: str | None = None
    keep: timedelta = timedelta(days=7)
    follow_ups: Sequence[FollowUp] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The job is to end cancelled.

    With a fence: by the holder of that claim, at once. Without: at once where the job waits, asked
    for where it is claimed.
    """

    id: JobId
    fence: int | None = None
    error: str | None = None
    result: str | None = None
    keep: timedelta = timedelta(days=7)
    follow_ups: Sequence[FollowUp] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The attempt failed; the job runs again after a while (zero: at once)."""

    ref: ClaimRef
    after: timedelta
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The claim is given back and its attempt not counted."""

    ref: ClaimRef
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What became of expired claims."""

    readied: int
    last: Sequence[Claim]  # held by the caller now, to be ended


@dataclass(frozen=True, slots=True)
class Promoted:
    """What became of scheduled jobs."""

    count: int
    next_in: (
        timedelta | None
    )  # until the next is due; zero: more are due now; None: nothing is scheduled


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyQueue:
    """A queue that has ready jobs and is not paused, and the highest priority among them."""

    queue: QueueKey
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None means any."""

    domain: str | None = None
    type: str | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreIdentity:
    """Who a store is: kept in the store, never changed."""

    uuid: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the queue of a type stamps on a job that says nothing itself."""

    type: str  # empty: every type without a stamp of its own
    store: str | None  # where its jobs live, if not in the store that is told
    max_attempts: int
    delivery: Delivery


KeyRecord = tuple[str, str, int]  # domain, key, item


def key_record(new: NewJob) -> KeyRecord | None:
    """Under what the answer to this job is remembered; None for a job without a key."""
    asked = new.idempotency
    return None if asked is None else (new.queue.domain, asked.key, asked.item)


def conflicts(jobs: Sequence[NewJob], known: Mapping[KeyRecord, str]) -> frozenset[int]:
    """The places of those jobs of one push that are conflicts, given the fingerprints of the known records."""
    asked: dict[tuple[str, str], dict[int, KeyRecord]] = {}
    for place, new in enumerate(jobs):
        record = key_record(new)
        if new.idempotency is not None and record is not None:
            asked.setdefault((new.idempotency.key, new.idempotency.fingerprint), {})[place] = record
    taken: dict[KeyRecord, str] = {}
    fallen: set[int] = set()
    for (_, fingerprint), records in asked.items():
        prints = {taken.get(each, known.get(each, fingerprint)) for each in records.values()}
        if prints != {fingerprint}:
            fallen.update(records)
        else:
            taken.update(dict.fromkeys(records.values(), fingerprint))
    return frozenset(fallen)


class LastWaits:
    """What each task knew when its last wait began, which `wait` counts from.

    Each has its own: one that was at work must not miss what woke the others.
    """

    def __init__(self, known: int = 0) -> None:
        self._last = known
        self._last_of: WeakKeyDictionary[asyncio.Task[object], int] = WeakKeyDictionary()

    def begin(self, known: int) -> int:
        """What this task knew when its last wait began, or anybody's if it never waited; from now on it knows this."""
        task = asyncio.current_task()
        before, self._last = self._last, known
        if task is not None:
            before = self._last_of.get(task, before)
            self._last_of[task] = known
        return before


class Engine(Protocol):
    """One store full of queues."""

    @property
    def features(self) -> frozenset[Feature]:
        """What this store, with its present settings, really promises. Known once open."""
        ...

    @property
    def identity(self) -> StoreIdentity:
        """The store's own uuid and number. Known once open."""
        ...

    async def open(self) -> None:
        """Be connected, at the present schema, with safe settings.

        Raises StoreMismatch for another number or a newer schema, EngineError for an unsafe
        setting. Twice is fine.
        """
        ...

    async def close(self) -> None:
        """Hold nothing any more. Everything that was answered stays true. Twice, or unopened, is fine."""
        ...

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs in one commit, all or none, and answer each in its place after the commit.

        Deduplication: at most one never-claimed job per queue and dedupe_key, scheduled or ready. A
        duplicate stores
        nothing and raises its waiting twin: earlier run time, higher priority, newer root; also
        within one batch.
        Idempotency: the record is kept 24 h per (domain, key, item); a known one stores nothing and
        answers `replayed` with the
        first answer's id and `deduplicated`; also within one batch.
        Jobs of one call with the same key and fingerprint were asked for as one, whatever their
        domains. Where the record of any of them is known with another fingerprint, none of them is
        stored or has any effect, and each answers CONFLICT; the rest of the call goes in as always.
        What was asked for under one key is judged in the order of the first jobs, each as if it had
        been pushed after the other.
        Root: the timestamp is registered for (queue, signature) in the same commit if strictly
        newer, by every push
        that carries one (also a duplicate, never a replay or a conflict); remembered for 28 days after its last
        registration.
        """
        ...

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots as a push that carries them does, strictly newer only; no job is stored or counted.

        For a family whose jobs lie in several stores.
        """
        ...

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Give the worker up to `limit` ready jobs of each wanted queue, in the queue's order.

        Each claimed job has fence + 1, attempt + 1, no dedupe key, and is held until now + ttl.
        Jobs never claimed before whose root is older than the registered one end `superseded`
        instead, a bounded number a call.
        A paused queue gives nothing. Claims come in the order of the wants, then in the order of the queue.
        """
        ...

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim those of the named jobs that are scheduled or ready, superseded, paused or not.

        The others are left out.
        """
        ...

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong held claims to now + ttl and keep their progress; say of each whether it is held.

        A claim past its time that nobody has reclaimed yet is still held. CANCEL_ASKED is renewed too.
        The progress of a claim stays readable when it ends the job; the next claim starts with none.
        """
        ...

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs `done` and push their follow-ups, in one commit.

        False, and nothing changed, for each claim that is no longer held (a repeated ack too). The
        ended job keeps its
        fence, its result, and the ids of its follow-ups; it stays readable for `keep`.
        The follow-ups of each end are pushed as by one call of push; a conflict leaves no id.
        """
        ...

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs `dead` with their error and push their follow-ups, in one commit; else as ack."""
        ...

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs `cancelled` and push their follow-ups, in one commit, or ask the holder to stop.

        An asked cancel pushes nothing: its holder ends the job. The key of a waiting job leaves before
        the follow-ups are pushed.
        """
        ...

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Make the jobs ready again, or scheduled, with the error kept.

        HELD: moved. LOST: nothing changed. CANCEL_ASKED: nothing changed either; the holder must cancel it.
        """
        ...

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Make the jobs ready again, or scheduled, with attempt − 1 and the fence kept. Answers as retry."""
        ...

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Take up to `limit` expired claims from their holders.

        Those with an attempt left become ready (error "lost: …" kept, no dedupe key). Those on
        their last attempt, those of
        at_most_once delivery and those asked to cancel are handed to the caller as claims: fence +
        1, attempt unchanged.
        """
        ...

    async def promote(self, limit: int) -> Promoted:
        """Make up to `limit` scheduled jobs ready whose time has come, the earliest first."""
        ...

    async def purge(self, limit: int) -> int:
        """Delete up to `limit` ended jobs past their `keep`, and forget old roots, keys and presences.

        Answers how many.
        """
        ...

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """Queues of these types with ready jobs, not paused, highest priority first, at most `limit`.

        Never misses one for ever.
        """
        ...

    async def wait(self, timeout: timedelta) -> bool:
        """Return True soon after any job of the store may have become ready since the last wait
        began, False at the timeout.

        A hint: it may return True for nothing; with WAIT it is woken by every process that works on
        the store.
        """
        ...

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs, each in its place; None where there is none (unknown, deleted or purged)."""
        ...

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """Jobs newest first (highest id first), below the id `after` if given."""
        ...

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The counts of these queues, zeros for one never used; None: of all queues ever used."""
        ...

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """How long the ready job with the lowest id has been ready, per queue.

        A queue without one is left out.
        """
        ...

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """How many ready jobs of its queue come before each job in this order, counted up to `most`.

        None where the job is not ready. In random order every other ready job may come before it.
        """
        ...

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Make dead jobs ready again with no attempt spent, the fence kept, no dedupe key.

        Result, follow-ups and an asked cancel are gone, the error stays. False for any other state.
        """
        ...

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs for good and count them deleted; False for a claimed or unknown one."""
        ...

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Give no claim from these queues until they are resumed. Pushes go on."""
        ...

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Give claims from these queues again. Whoever waits is woken, as some of their jobs may be ready."""
        ...

    async def paused(self) -> frozenset[QueueKey]:
        """The queues that are paused."""
        ...

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner among the live ones until now + ttl."""
        ...

    async def forget(self, worker: str) -> int:
        """The worker is known to be dead: its presence ends and its claims expire now.

        Answers how many claims.
        """
        ...

    async def workers(self) -> Sequence[Presence]:
        """The runners that announced themselves and have not expired."""
        ...


@runtime_checkable
class Learning(Protocol):
    """An engine whose store takes jobs from others than us, and has to stamp them itself."""

    async def learn(self, stamps: Sequence[Stamp]) -> None:
        """Jobs that others push from now on are stamped so; of those that live elsewhere none is taken."""
        ...
