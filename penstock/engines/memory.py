# long: the reference of the whole seam, to be read in one go
"""The reference engine: what the words of `penstock/engine.py` mean, in plain dictionaries.

Written to be read, not to be fast. No verb but `wait` ever awaits: each is one step, and nothing
can come between.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, islice
from typing import assert_never
from uuid import uuid4

from penstock.clock import Clock, SystemClock
from penstock.engine import (
    CONFLICT,
    IDEMPOTENCY_MEMORY,
    ROOT_MEMORY,
    WHOLE_BATCH,
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Claimed,
    Feature,
    Held,
    JobFilter,
    KeyRecord,
    LastWaits,
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
    conflicts,
    key_record,
)
from penstock.errors import EngineError
from penstock.job import (
    ENDED,
    WAITING,
    Claim,
    ClaimRef,
    Counts,
    Delivery,
    Details,
    FollowUp,
    FollowUpId,
    Job,
    JobId,
    NewJob,
    Order,
    Presence,
    Progress,
    QueueKey,
    Root,
    State,
    dump_details,
    first_id,
    load_details,
)
from penstock.serialization import decode

NOTHING = timedelta(0)


@dataclass(slots=True, kw_only=True)
class Row:
    """A job as it is stored: params and details as text, a time for each state that has one."""

    id: JobId
    queue: QueueKey
    state: State
    params: str
    details: str
    priority: int
    max_attempts: int
    delivery: Delivery
    dedupe_key: str | None
    root: Root | None
    pushed_at: datetime
    due: datetime  # scheduled: may run from then on
    ready_since: datetime  # ready
    held_until: datetime  # claimed
    kept_until: datetime  # ended: purged from then on
    attempt: int = 0
    fence: int = 0
    claimed_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    result: str | None = None
    error: str | None = None
    progress: Progress | None = None
    cancel_requested: bool = False
    follow_ups: tuple[FollowUpId, ...] = ()


@dataclass(frozen=True, slots=True)
class _KnownPush:
    fingerprint: str
    answer: Pushed
    until: datetime


@dataclass(frozen=True, slots=True)
class _KnownRoot:
    timestamp: datetime
    until: datetime


class MemoryEngine:
    """All jobs of one process, gone with it."""

    features = frozenset({Feature.ATOMIC, Feature.ORDER, Feature.DELAY, Feature.WAIT})

    def __init__(
        self, url: str = "memory://", *, number: int = 0, clock: Clock | None = None
    ) -> None:
        if not url.startswith("memory:"):
            raise EngineError(f"store url {url!r} is none of the memory engine; write 'memory://'")
        self.identity = StoreIdentity(uuid=str(uuid4()), number=number)
        self._clock = clock or SystemClock()
        self._ids = count(first_id(number))
        self._rows: dict[JobId, Row] = {}
        self._standing: dict[State, dict[QueueKey, dict[JobId, Row]]] = {
            state: defaultdict(dict) for state in State
        }
        self._twins: dict[tuple[QueueKey, str], Row] = {}
        self._roots: dict[tuple[QueueKey, str], _KnownRoot] = {}
        self._pushes: dict[KeyRecord, _KnownPush] = {}
        self._tallies: dict[QueueKey, Counter[str]] = {}
        self._paused: set[QueueKey] = set()
        self._presences: dict[str, tuple[Presence, datetime]] = {}
        self._wake = _Wake()

    async def open(self) -> None:
        """Nothing is to be done: what the object holds is the store."""

    async def close(self) -> None:
        """Nobody waits any more. What was answered stays true as long as the object lives."""
        self._wake.wake()

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store the jobs, or raise the twins of those that are waiting already."""
        return self._push_together(jobs)

    def _push_together(self, jobs: Sequence[NewJob]) -> list[Pushed]:
        fallen = self._fallen(jobs)
        return [CONFLICT if place in fallen else self._push(new) for place, new in enumerate(jobs)]

    def _fallen(self, jobs: Sequence[NewJob]) -> Collection[int]:
        """The places of the jobs that are not stored, since their key was used for another push."""
        found = {record: self._known_push(record) for new in jobs if (record := key_record(new))}
        known = {record: push.fingerprint for record, push in found.items() if push}
        return conflicts(jobs, known)

    def _push(self, new: NewJob) -> Pushed:
        known = self._replay(new)
        if known is not None:
            return known
        self._register_root(new)
        pushed = self._raise_twin(new) or self._store(new)
        self._remember_push(new, pushed)
        return pushed

    def _replay(self, new: NewJob) -> Pushed | None:
        record = key_record(new)
        known = self._known_push(record) if record else None
        return replace(known.answer, replayed=True) if known else None

    def _known_push(self, record: KeyRecord) -> _KnownPush | None:
        known = self._pushes.get(record)
        return known if known and known.until > self._now() else None

    def _remember_push(self, new: NewJob, pushed: Pushed) -> None:
        record = key_record(new)
        if new.idempotency is None or record is None:
            return
        until = self._now() + IDEMPOTENCY_MEMORY
        self._pushes[record] = _KnownPush(new.idempotency.fingerprint, pushed, until)

    def _register_root(self, new: NewJob) -> None:
        if new.root is not None:
            self._register(new.queue, new.root)

    def _register(self, queue: QueueKey, root: Root) -> None:
        known = self._newest_root(queue, root.signature)
        if known is None or root.timestamp > known:
            self._roots[queue, root.signature] = _KnownRoot(
                root.timestamp, self._now() + ROOT_MEMORY
            )

    def _newest_root(self, queue: QueueKey, signature: str) -> datetime | None:
        known = self._roots.get((queue, signature))
        return known.timestamp if known and known.until > self._now() else None

    def _raise_twin(self, new: NewJob) -> Pushed | None:
        twin = self._twin(new)
        if twin is None:
            return None
        twin.priority = max(twin.priority, new.priority)
        if _is_newer(new.root, twin.root):
            twin.root = new.root
        if twin.state is State.SCHEDULED:
            self._line_up(twin, min(twin.due, self._due(new)))
        return Pushed(id=twin.id, deduplicated=True, at=self._now())

    def _twin(self, new: NewJob) -> Row | None:
        return self._twins.get((new.queue, new.dedupe_key)) if new.dedupe_key is not None else None

    def _store(self, new: NewJob) -> Pushed:
        row = self._new_row(new)
        self._tally(row.queue, "pushed", 1)
        self._rows[row.id] = row
        self._enter(row)
        if row.dedupe_key is not None:
            self._twins[row.queue, row.dedupe_key] = row
        self._line_up(row, self._due(new))
        return Pushed(id=row.id, at=row.pushed_at)

    def _new_row(self, new: NewJob) -> Row:
        now = self._now()
        return Row(
            id=self._next_id(),
            queue=new.queue,
            state=State.SCHEDULED,
            params=new.params,
            details=dump_details(new.details),
            priority=new.priority,
            max_attempts=new.max_attempts,
            delivery=new.delivery,
            dedupe_key=new.dedupe_key,
            root=new.root,
            pushed_at=now,
            due=now,
            ready_since=now,
            held_until=now,
            kept_until=now,
        )

    def _next_id(self) -> JobId:
        return JobId(next(self._ids))

    def _due(self, new: NewJob) -> datetime:
        return new.run_at or self._now() + new.delay

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots that are newer."""
        for each in registrations:
            self._register(each.queue, each.root)

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claim what is ready, and end what is superseded on the way."""
        claims: list[Claim] = []
        superseded = 0
        for want in wants:
            fresh, stale = self._pick(want, WHOLE_BATCH - superseded)
            claims += [self._claim(row, want.ttl, worker) for row in fresh]
            for row in stale:
                self._end(row, State.SUPERSEDED, want.keep)
            superseded += len(stale)
        return Claimed(claims, superseded)

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim the named jobs as far as they are waiting."""
        named = (self._rows.get(id) for id in ids)
        return [self._claim(row, ttl, worker) for row in named if row and row.state in WAITING]

    def _pick(self, want: Want, patience: int) -> tuple[Sequence[Row], Sequence[Row]]:
        """The next jobs to claim, and at most `patience` superseded ones that stood before them."""
        fresh: list[Row] = []
        stale: list[Row] = []
        for row in self._in_order(want):
            if len(fresh) >= want.limit:
                break
            if not self._is_superseded(row):
                fresh.append(row)
            elif len(stale) < patience:
                stale.append(row)
            else:
                break
        return fresh, stale

    def _in_order(self, want: Want) -> Sequence[Row]:
        rows = [row for row in self._claimable(want.queue) if row.priority >= want.floor]
        match want.order:
            case Order.PRIORITY:
                rows.sort(key=lambda row: (-row.priority, row.id))
            case Order.FIFO:
                rows.sort(key=lambda row: row.id)
            case Order.RANDOM:
                random.shuffle(rows)
        return rows

    def _claimable(self, queue: QueueKey) -> Iterable[Row]:
        if queue in self._paused:
            return ()
        return self._standing[State.READY].get(queue, {}).values()

    def _is_superseded(self, row: Row) -> bool:
        if row.root is None or row.fence > 0:
            return False
        newest = self._newest_root(row.queue, row.root.signature)
        return newest is not None and row.root.timestamp < newest

    def _claim(self, row: Row, ttl: timedelta, worker: str) -> Claim:
        self._leave_key(row)
        self._count_attempt(row)
        return self._take(row, ttl, worker)

    def _leave_key(self, row: Row) -> None:
        if row.dedupe_key is not None:
            del self._twins[row.queue, row.dedupe_key]
            row.dedupe_key = None

    def _count_attempt(self, row: Row) -> None:
        row.attempt += 1

    def _take(self, row: Row, ttl: timedelta, worker: str) -> Claim:
        row.fence += 1
        row.worker = worker
        row.claimed_at = self._now()
        row.held_until = self._now() + ttl
        row.progress = None
        self._move(row, State.CLAIMED)
        return Claim(job=self._job(row), until=row.held_until)

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong the claims that are held."""
        return [self._renew(renewal) for renewal in renewals]

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs done, if they are held."""
        return [self._ack(end) for end in ends]

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs dead, if they are held."""
        return [self._bury(end) for end in ends]

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs cancelled, or ask whoever holds them."""
        return [self._cancel(cancel) for cancel in cancels]

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Line the jobs up again, if they are held and nobody asked to cancel them."""
        return [self._retry(retry) for retry in retries]

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Line the jobs up again as if they had not been claimed, but for the fence."""
        return [self._release(release) for release in releases]

    def _held(self, ref: ClaimRef) -> Row | None:
        """The job, if this claim holds it; a claim past its time does until it is reclaimed."""
        row = self._rows.get(ref.id)
        return row if row and row.state is State.CLAIMED and row.fence == ref.fence else None

    def _renew(self, renewal: Renew) -> Held:
        row = self._held(renewal.ref)
        if row is None:
            return Held.LOST
        if renewal.ttl is not None:
            row.held_until = self._now() + renewal.ttl
        if renewal.progress is not None:
            row.progress = renewal.progress
        return self._how_held(row)

    def _how_held(self, row: Row) -> Held:
        return Held.CANCEL_ASKED if row.cancel_requested else Held.HELD

    def _ack(self, end: Ack) -> bool:
        row = self._held(end.ref)
        if row is None:
            return False
        row.result = end.result
        self._push_follow_ups(row, end.follow_ups)
        self._end(row, State.DONE, end.keep)
        return True

    def _bury(self, end: Bury) -> bool:
        row = self._held(end.ref)
        if row is None:
            return False
        row.error = end.error
        row.result = end.result
        self._push_follow_ups(row, end.follow_ups)
        self._end(row, State.DEAD, end.keep)
        return True

    def _cancel(self, cancel: Cancel) -> CancelAnswer:
        row = self._cancellable(cancel)
        if row is None:
            return CancelAnswer.REFUSED
        if row.state is State.CLAIMED and cancel.fence is None:
            row.cancel_requested = True
            return CancelAnswer.ASKED
        row.error = cancel.error
        row.result = cancel.result
        self._push_follow_ups(row, cancel.follow_ups)
        self._end(row, State.CANCELLED, cancel.keep)
        return CancelAnswer.CANCELLED

    def _cancellable(self, cancel: Cancel) -> Row | None:
        if cancel.fence is not None:
            return self._held(ClaimRef(cancel.id, cancel.fence))
        row = self._rows.get(cancel.id)
        return row if row and not row.state.ended else None

    def _push_follow_ups(self, row: Row, follow_ups: Sequence[FollowUp]) -> None:
        # A follow-up with the key of the job that ends is no twin of it.
        self._leave_key(row)
        answers = self._push_together([each.job for each in follow_ups])
        row.follow_ups = tuple(
            FollowUpId(each.on, pushed.id)
            for each, pushed in zip(follow_ups, answers, strict=True)
            if not pushed.conflict
        )

    def _retry(self, retry: Retry) -> Held:
        row = self._held(retry.ref)
        if row is None:
            return Held.LOST
        if not row.cancel_requested:
            row.error = retry.error
            self._give_back(row, retry.after)
        return self._how_held(row)

    def _release(self, release: Release) -> Held:
        row = self._held(release.ref)
        if row is None:
            return Held.LOST
        if not row.cancel_requested:
            self._uncount_attempt(row)
            self._give_back(row, release.after)
        return self._how_held(row)

    def _uncount_attempt(self, row: Row) -> None:
        row.attempt -= 1

    def _give_back(self, row: Row, after: timedelta) -> None:
        row.worker = None
        row.claimed_at = None
        row.progress = None
        self._line_up(row, self._now() + after)

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Ready the jobs of expired claims, and hand over those that must not run again."""
        readied = 0
        last: list[Claim] = []
        for row in self._expired(limit):
            if self._may_run_again(row):
                row.error = f"lost: worker {row.worker!r} gave no sign of life"
                self._give_back(row, NOTHING)
                readied += 1
            else:
                last.append(self._take(row, ttl, worker))
        return Reclaimed(readied, last)

    def _expired(self, limit: int) -> Sequence[Row]:
        now = self._now()
        rows = [row for row in self._all(State.CLAIMED) if row.held_until <= now]
        rows.sort(key=lambda row: (row.held_until, row.id))
        return rows[:limit]

    def _may_run_again(self, row: Row) -> bool:
        return (
            row.attempt < row.max_attempts
            and row.delivery is Delivery.AT_LEAST_ONCE
            and not row.cancel_requested
        )

    async def promote(self, limit: int) -> Promoted:
        """Ready the scheduled jobs that are due."""
        rows = sorted(self._all(State.SCHEDULED), key=lambda row: (row.due, row.id))
        due = [row for row in rows if self._is_due(row)][:limit]
        for row in due:
            self._make_ready(row)
        later = rows[len(due) :]
        next_in = max(later[0].due - self._now(), NOTHING) if later else None
        return Promoted(len(due), next_in)

    def _is_due(self, row: Row) -> bool:
        return row.due <= self._now()

    async def purge(self, limit: int) -> int:
        """Delete what was kept long enough, and forget what was remembered long enough."""
        now = self._now()
        gone = list(islice((row for row in self._ended() if row.kept_until <= now), limit))
        for row in gone:
            self._remove(row)
        self._forget_old(now)
        return len(gone)

    def _ended(self) -> Iterator[Row]:
        return (row for state in ENDED for row in self._all(state))

    def _forget_old(self, now: datetime) -> None:
        self._roots = {key: known for key, known in self._roots.items() if known.until > now}
        self._pushes = {key: known for key, known in self._pushes.items() if known.until > now}
        self._presences = {
            worker: (presence, until)
            for worker, (presence, until) in self._presences.items()
            if until > now
        }

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """The queues worth a claim, in random order among equals, so that none of them starves."""
        queues = [
            ReadyQueue(queue=queue, priority=max(row.priority for row in rows.values()))
            for queue, rows in self._standing[State.READY].items()
            if rows
            and queue not in self._paused
            and queue.type in types
            and (domains is None or queue.domain in domains)
        ]
        queues.sort(key=lambda found: (-found.priority, random.random()))
        return queues[:limit]

    async def wait(self, timeout: timedelta) -> bool:
        """True once a job became ready, False at the timeout."""
        return await self._wake.wait(timeout)

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs as they stand."""
        rows = (self._rows.get(id) for id in ids)
        return [self._job(row) if row else None for row in rows]

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """The jobs that match, highest id first."""
        newest = sorted(self._rows.values(), key=lambda row: -row.id)
        below = (row for row in newest if after is None or row.id < after)
        matching = (row for row in below if _matches(row, which))
        return [self._job(row) for row in islice(matching, limit)]

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The tallies of the queues."""
        asked = self._tallies.keys() if queues is None else queues
        return {queue: Counts(**self._tallies.get(queue, Counter())) for queue in asked}

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """How long the first ready job of each queue has been ready."""
        ready = {queue: self._standing[State.READY].get(queue) for queue in queues}
        return {
            queue: self._now() - rows[min(rows)].ready_since
            for queue, rows in ready.items()
            if rows
        }

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """Count the ready jobs before each."""
        return [self._ahead(self._rows.get(id), order, most) for id in ids]

    def _ahead(self, row: Row | None, order: Order, most: int) -> int | None:
        if row is None or row.state is not State.READY:
            return None
        ready = self._standing[State.READY][row.queue].values()
        before = [other for other in ready if other is not row and _is_before(other, row, order)]
        return min(len(before), most)

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Ready the dead jobs."""
        return [self._requeue(self._rows.get(id)) for id in ids]

    def _requeue(self, row: Row | None) -> bool:
        if row is None or row.state is not State.DEAD:
            return False
        row.attempt = 0
        row.cancel_requested = False
        row.finished_at = None
        row.result = None
        row.follow_ups = ()
        self._give_back(row, NOTHING)
        return True

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs that nobody holds."""
        return [self._delete(self._rows.get(id)) for id in ids]

    def _delete(self, row: Row | None) -> bool:
        if row is None or row.state is State.CLAIMED:
            return False
        self._remove(row)
        return True

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Close the queues for claims."""
        self._paused.update(queues)

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Open the queues for claims, and wake whoever may want them."""
        self._paused.difference_update(queues)
        self._wake.wake()

    async def paused(self) -> frozenset[QueueKey]:
        """The queues closed for claims."""
        return frozenset(self._paused)

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner for a while."""
        self._presences[presence.worker] = (presence, self._now() + ttl)

    async def forget(self, worker: str) -> int:
        """Expire what the worker holds."""
        self._presences.pop(worker, None)
        rows = [row for row in self._all(State.CLAIMED) if row.worker == worker]
        for row in rows:
            row.held_until = min(row.held_until, self._now())
        return len(rows)

    async def workers(self) -> Sequence[Presence]:
        """The runners whose time has not run out."""
        now = self._now()
        return [presence for presence, until in self._presences.values() if until > now]

    def _line_up(self, row: Row, due: datetime) -> None:
        row.due = due
        if self._is_due(row):
            self._make_ready(row)
        else:
            self._move(row, State.SCHEDULED)

    def _make_ready(self, row: Row) -> None:
        row.ready_since = self._now()
        self._move(row, State.READY)
        self._wake.wake()

    def _end(self, row: Row, state: State, keep: timedelta) -> None:
        self._leave_key(row)
        row.finished_at = self._now()
        row.kept_until = self._now() + keep
        self._move(row, state)
        if keep <= NOTHING:
            self._remove(row)

    def _remove(self, row: Row) -> None:
        self._leave_key(row)
        self._leave(row)
        del self._rows[row.id]
        self._tally(row.queue, "deleted", 1)

    def _move(self, row: Row, state: State) -> None:
        self._leave(row)
        row.state = state
        self._enter(row)

    def _enter(self, row: Row) -> None:
        self._standing[row.state][row.queue][row.id] = row
        self._tally(row.queue, row.state.value, 1)

    def _leave(self, row: Row) -> None:
        del self._standing[row.state][row.queue][row.id]
        self._tally(row.queue, row.state.value, -1)

    def _tally(self, queue: QueueKey, what: str, change: int) -> None:
        self._tallies.setdefault(queue, Counter())[what] += change

    def _all(self, state: State) -> Iterator[Row]:
        return (row for rows in self._standing[state].values() for row in rows.values())

    def _job(self, row: Row) -> Job:
        details, unreadable = _decoded(row)
        return Job(
            id=row.id,
            queue=row.queue,
            state=row.state,
            params=row.params,
            details=details,
            priority=row.priority,
            attempt=row.attempt,
            max_attempts=row.max_attempts,
            fence=row.fence,
            delivery=row.delivery,
            pushed_at=row.pushed_at,
            run_at=row.due if row.state is State.SCHEDULED else None,
            claimed_at=row.claimed_at,
            finished_at=row.finished_at,
            worker=row.worker,
            result=row.result,
            error=row.error,
            progress=row.progress,
            cancel_requested=row.cancel_requested,
            root=row.root and replace(row.root, is_self=details.root_is_self),
            dedupe_key=row.dedupe_key,
            follow_ups=row.follow_ups,
            unreadable=unreadable,
        )

    def _now(self) -> datetime:
        return self._clock.now()


class _Wake:
    """Wakes everyone who waits, and whoever was busy when it happened at his next wait."""

    def __init__(self) -> None:
        self._times = 0
        self._event = asyncio.Event()
        self._last_waits = LastWaits()

    def wake(self) -> None:
        """Wake all."""
        self._times += 1
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout: timedelta) -> bool:
        """True once woken since this task's last wait began, or anybody's if it is the first."""
        if self._last_waits.begin(self._times) < self._times:
            return True
        event = self._event
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await event.wait()
        except TimeoutError:
            return False


def _is_before(other: Row, row: Row, order: Order) -> bool:
    match order:
        case Order.PRIORITY:
            return (-other.priority, other.id) < (-row.priority, row.id)
        case Order.FIFO:
            return other.id < row.id
        case Order.RANDOM:
            return True
    assert_never(order)


def _is_newer(root: Root | None, than: Root | None) -> bool:
    return root is not None and (than is None or root.timestamp > than.timestamp)


def _matches(row: Row, which: JobFilter) -> bool:
    return (
        which.domain in (None, row.queue.domain)
        and which.type in (None, row.queue.type)
        and which.state in (None, row.state)
    )


def _decoded(row: Row) -> tuple[Details, str | None]:
    """The details, and why the row cannot be decoded if it cannot."""
    try:
        if not isinstance(decode(row.params), Mapping):
            return Details(), "params: not a JSON object"
        return load_details(row.details), None
    except ValueError as error:
        return Details(), f"the stored row cannot be decoded: {error}"
