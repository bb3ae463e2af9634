# long: the whole contract once more, as short as it can be said
"""What the words of `penstock/engine.py` ask of an engine that serves one caller at a time.

It takes the contract's own questions, one by one, and gives its answers. What the contract leaves
to the engine it is told: the id of a new job (`ids`), and which of several jobs were taken.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from penstock.engine import (
    IDEMPOTENCY_MEMORY,
    ROOT_MEMORY,
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Held,
    Pushed,
    Release,
    Renew,
    Retry,
    Want,
)
from penstock.job import (
    WAITING,
    ClaimRef,
    Delivery,
    FollowUpId,
    JobId,
    NewJob,
    Order,
    QueueKey,
    Root,
    State,
)
from tests.engines.stateful.store import NOTHING, Record, Store

NOT_STORED = JobId(0)


class Model(Store):
    """A store, and every move of its jobs."""

    def __init__(self) -> None:
        super().__init__()
        self._roots: dict[tuple[QueueKey, str], tuple[datetime, timedelta]] = {}
        self._pushes: dict[tuple[str, str, int], tuple[str, Pushed, timedelta]] = {}

    # push

    def push(self, jobs: Sequence[NewJob]) -> list[Pushed]:
        """One after the other; but what was asked for under one key falls as a whole where one of it does."""
        fallen: set[tuple[str, str]] = set()
        taken: dict[tuple[str, str, int], str] = {}
        for asked in dict.fromkeys(asked for new in jobs if (asked := _asked(new))):
            records = {_record(new) for new in jobs if _asked(new) == asked}
            prints = {taken.get(record) or self._fingerprint(record) for record in records}
            if prints <= {None, asked[1]}:
                taken |= dict.fromkeys(records, asked[1])
            else:
                fallen.add(asked)
        return [
            Pushed(id=NOT_STORED, conflict=True) if _asked(new) in fallen else self._push(new)
            for new in jobs
        ]

    def _push(self, new: NewJob) -> Pushed:
        """Stored, or its twin raised, or answered as before."""
        if known := self._replay(new):
            return known
        if new.root and self._is_strictly_newer(new.root, new.queue):
            until = self.now + ROOT_MEMORY
            self._roots[new.queue, new.root.signature] = new.root.timestamp, until
        twin = self._twin(new)
        if twin:
            self._raise(twin, new)
        pushed = Pushed(id=twin.id if twin else self._store(new), deduplicated=twin is not None)
        self._remember(new, pushed)
        return pushed

    def _replay(self, new: NewJob) -> Pushed | None:
        if not new.idempotency or self._fingerprint(_record(new)) is None:
            return None
        _, first, _ = self._pushes[_record(new)]
        return Pushed(id=first.id, deduplicated=first.deduplicated, replayed=True)

    def _fingerprint(self, record: tuple[str, str, int]) -> str | None:
        """What the key was used for, as long as that is known."""
        fingerprint, _, until = self._pushes.get(record, (None, None, self.now))
        return fingerprint if until > self.now else None

    def _remember(self, new: NewJob, pushed: Pushed) -> None:
        if new.idempotency:
            until = self.now + IDEMPOTENCY_MEMORY
            self._pushes[_record(new)] = new.idempotency.fingerprint, pushed, until

    def _is_strictly_newer(self, root: Root, queue: QueueKey) -> bool:
        newest = self._newest(root, queue)
        return newest is None or root.timestamp > newest

    def _newest(self, root: Root, queue: QueueKey) -> datetime | None:
        timestamp, until = self._roots.get((queue, root.signature), (None, self.now))
        return timestamp if until > self.now else None

    def _twin(self, new: NewJob) -> Record | None:
        """The never-claimed job of the queue and key, scheduled or ready; there is at most one."""
        for job in self.jobs.values():
            waits = job.state in WAITING and job.fence == 0
            same = (job.new.queue, job.new.dedupe_key) == (new.queue, new.dedupe_key)
            if new.dedupe_key is not None and same and waits:
                return job
        return None

    def _raise(self, twin: Record, new: NewJob) -> None:
        twin.priority = max(twin.priority, new.priority)
        if new.root and (twin.root is None or new.root.timestamp > twin.root.timestamp):
            twin.root = new.root
        if twin.state is State.SCHEDULED:
            self._line_up(twin, min(twin.due, self.now + new.delay))

    def _store(self, new: NewJob) -> JobId:
        id = self.ids.get(new.params, NOT_STORED)
        job = Record(id=id, new=new, pushed_at=self.now, priority=new.priority, root=new.root)
        self.jobs[id] = job
        self.pushed[new.queue] += 1
        self._line_up(job, self.now + new.delay)
        return id

    def _line_up(self, job: Record, due: timedelta) -> None:
        job.due, job.state = due, State.SCHEDULED
        if due <= self.now:
            self.promote(job)

    # claim

    def fresh(self, want: Want) -> list[Record]:
        """What the queue has for this want, in its order, without a limit."""
        jobs = [job for job in self._wanted(want) if not self._is_superseded(job)]
        by_priority = want.order is Order.PRIORITY
        return sorted(jobs, key=lambda job: (-job.priority if by_priority else 0, job.id))

    def outdated(self, want: Want) -> list[Record]:
        """What this want may end as superseded."""
        return [job for job in self._wanted(want) if self._is_superseded(job)]

    def _wanted(self, want: Want) -> list[Record]:
        ready = [job for job in self.standing(State.READY) if job.new.queue == want.queue]
        is_open = want.queue not in self.paused
        return [job for job in ready if is_open and job.priority >= want.floor]

    def _is_superseded(self, job: Record) -> bool:
        newest = self._newest(job.root, job.new.queue) if job.root and job.fence == 0 else None
        return bool(newest and job.root and job.root.timestamp < newest)

    def supersede(self, job: Record, keep: timedelta) -> None:
        """Ended without having run."""
        self._end(job, State.SUPERSEDED, keep)

    def claim(self, job: Record, ttl: timedelta, worker: str) -> None:
        """Held by the worker, one attempt further."""
        job.attempt += 1
        self._take(job, ttl, worker)

    def _take(self, job: Record, ttl: timedelta, worker: str) -> None:
        job.state, job.fence = State.CLAIMED, job.fence + 1
        job.worker, job.claimed_at, job.until = worker, self.now, self.now + ttl
        job.progress = None

    # what the holder of a claim may do

    def _held(self, ref: ClaimRef) -> tuple[Record | None, Held]:
        job = self.jobs.get(ref.id)
        if job is None or job.state is not State.CLAIMED or job.fence != ref.fence:
            return None, Held.LOST
        return job, Held.CANCEL_ASKED if job.cancel_requested else Held.HELD

    def renew(self, renewal: Renew) -> Held:
        """Held for longer, and its progress kept."""
        job, how = self._held(renewal.ref)
        if job and renewal.ttl is not None:
            job.until = self.now + renewal.ttl
        if job and renewal.progress is not None:
            job.progress = renewal.progress
        return how

    def ack(self, ack: Ack) -> bool:
        """Done."""
        job, _ = self._held(ack.ref)
        if job:
            self._finish(job, State.DONE, ack)
        return job is not None

    def bury(self, bury: Bury) -> bool:
        """Dead."""
        job, _ = self._held(bury.ref)
        if job:
            job.error = bury.error
            self._finish(job, State.DEAD, bury)
        return job is not None

    def cancel(self, cancel: Cancel) -> CancelAnswer:
        """Cancelled by its holder or while it waits; only asked for while somebody holds it."""
        job = self.jobs.get(cancel.id)
        if cancel.fence is not None:
            job, _ = self._held(ClaimRef(cancel.id, cancel.fence))
        if job is None or job.state.ended:
            return CancelAnswer.REFUSED
        if job.state is State.CLAIMED and cancel.fence is None:
            job.cancel_requested = True
            return CancelAnswer.ASKED
        job.error = cancel.error
        self._finish(job, State.CANCELLED, cancel)
        return CancelAnswer.CANCELLED

    def _finish(self, job: Record, state: State, end: Ack | Bury | Cancel) -> None:
        job.state = state  # first: what follows the job is no twin of it
        job.result = end.result
        pushed = self.push([after.job for after in end.follow_ups])
        job.follow_ups = tuple(
            FollowUpId(after.on, answer.id)
            for after, answer in zip(end.follow_ups, pushed, strict=True)
            if not answer.conflict
        )
        self._end(job, state, end.keep)

    def _end(self, job: Record, state: State, keep: timedelta) -> None:
        job.state, job.finished_at, job.until = state, self.now, self.now + keep
        if keep <= NOTHING:
            self.remove(job)

    def retry(self, retry: Retry) -> Held:
        """Lined up again with its error."""
        job, how = self._held(retry.ref)
        if job and how is Held.HELD:
            job.error = retry.error
            self._give_back(job, retry.after)
        return how

    def release(self, release: Release) -> Held:
        """Lined up again with its attempt."""
        job, how = self._held(release.ref)
        if job and how is Held.HELD:
            job.attempt -= 1
            self._give_back(job, release.after)
        return how

    def _give_back(self, job: Record, after: timedelta) -> None:
        job.worker = job.claimed_at = job.progress = None
        self._line_up(job, self.now + after)

    # upkeep

    def reclaim(self, job: Record, ttl: timedelta, worker: str) -> bool:
        """Taken from its holder: True for ready again, False for held by the caller."""
        spent = job.attempt >= job.new.max_attempts
        once = job.new.delivery is Delivery.AT_MOST_ONCE
        if spent or once or job.cancel_requested:
            self._take(job, ttl, worker)
            return False
        job.error = "lost: its worker"
        self._give_back(job, NOTHING)
        return True

    def promote(self, job: Record) -> None:
        """Ready from now on."""
        job.state, job.ready_since = State.READY, self.now

    def remove(self, job: Record) -> None:
        """Gone, and counted as deleted."""
        del self.jobs[job.id]
        self.deleted[job.new.queue] += 1

    # control

    def requeue(self, id: JobId) -> bool:
        """Ready with no attempt spent, if it is dead."""
        job = self.jobs.get(id)
        if job is None or job.state is not State.DEAD:
            return False
        job.attempt, job.cancel_requested = 0, False
        job.finished_at, job.result, job.follow_ups = None, None, ()
        self._give_back(job, NOTHING)
        return True

    def delete(self, id: JobId) -> bool:
        """Gone, unless somebody holds it."""
        job = self.jobs.get(id)
        if job is None or job.state is State.CLAIMED:
            return False
        self.remove(job)
        return True

    def forget(self, worker: str) -> int:
        """How many claims of this worker expire now."""
        held = [job for job in self.standing(State.CLAIMED) if job.worker == worker]
        for job in held:
            job.until = min(job.until, self.now)
        return len(held)


def _asked(new: NewJob) -> tuple[str, str] | None:
    """What of one push was asked for together."""
    asked = new.idempotency
    return (asked.key, asked.fingerprint) if asked else None


def _record(new: NewJob) -> tuple[str, str, int]:
    """Where the answer to a job with a key is kept."""
    assert new.idempotency
    return new.queue.domain, new.idempotency.key, new.idempotency.item
