"""What the model of an engine has stored, and what can be read of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from penstock.engine import JobFilter, ReadyQueue
from penstock.job import (
    WAITING,
    ClaimRef,
    Counts,
    FollowUpId,
    JobId,
    NewJob,
    Order,
    Progress,
    QueueKey,
    Root,
    State,
)

NOTHING = timedelta(0)


@dataclass(slots=True, kw_only=True)
class Record:
    """A stored job; its times count from the start of the store."""

    id: JobId
    new: NewJob  # as it was pushed
    pushed_at: timedelta
    priority: int
    root: Root | None
    state: State = State.SCHEDULED
    due: timedelta = NOTHING  # scheduled until then
    ready_since: timedelta = NOTHING
    until: timedelta = NOTHING  # claimed until then, or kept until then
    attempt: int = 0
    fence: int = 0
    worker: str | None = None
    claimed_at: timedelta | None = None
    finished_at: timedelta | None = None
    result: str | None = None
    error: str | None = None
    progress: Progress | None = None
    cancel_requested: bool = False
    follow_ups: tuple[FollowUpId, ...] = ()


class Store:
    """All jobs; its time moves by hand."""

    def __init__(self) -> None:
        self.now = NOTHING
        self.ids: dict[str, JobId] = {}  # of every job that was ever stored, by its params
        self.jobs: dict[JobId, Record] = {}  # those that can be read
        self.paused: set[QueueKey] = set()
        self.pushed: Counter[QueueKey] = Counter()
        self.deleted: Counter[QueueKey] = Counter()

    def standing(self, state: State) -> list[Record]:
        """The jobs in this state."""
        return [job for job in self.jobs.values() if job.state is state]

    def waiting(self, ids: Iterable[JobId]) -> list[Record]:
        """Those of the named jobs that are scheduled or ready."""
        named = (self.jobs.get(id) for id in dict.fromkeys(ids))
        return [job for job in named if job and job.state in WAITING]

    def held(self) -> list[ClaimRef]:
        """The claims that somebody holds."""
        return [ClaimRef(job.id, job.fence) for job in self.standing(State.CLAIMED)]

    def expired(self) -> list[Record]:
        """The claimed jobs whose time is over."""
        return [job for job in self.standing(State.CLAIMED) if job.until <= self.now]

    def overdue(self) -> list[Record]:
        """The scheduled jobs whose time has come."""
        return [job for job in self.standing(State.SCHEDULED) if job.due <= self.now]

    def outlived(self) -> list[Record]:
        """The ended jobs that nobody keeps any longer."""
        ended = (job for job in self.jobs.values() if job.state.ended)
        return [job for job in ended if job.until <= self.now]

    def next_in(self) -> timedelta | None:
        """Until the next scheduled job is due."""
        dues = [job.due for job in self.standing(State.SCHEDULED)]
        return max(min(dues) - self.now, NOTHING) if dues else None

    def matching(self, which: JobFilter, after: JobId | None = None) -> list[JobId]:
        """The ids of the jobs that match, newest first."""
        return [
            id
            for id, job in sorted(self.jobs.items(), reverse=True)
            if which.domain in (None, job.new.queue.domain)
            and which.type in (None, job.new.queue.type)
            and which.state in (None, job.state)
            and (after is None or id < after)
        ]

    def ready(self) -> set[ReadyQueue]:
        """The queues that are worth a claim."""
        heads: dict[QueueKey, int] = {}
        for job in self.standing(State.READY):
            heads[job.new.queue] = max(job.priority, heads.get(job.new.queue, 0))
        open_queues = heads.keys() - self.paused
        return {ReadyQueue(queue=queue, priority=heads[queue]) for queue in open_queues}

    def oldest(self) -> dict[QueueKey, timedelta]:
        """How long the ready job with the lowest id has been ready."""
        highest_first = sorted(self.standing(State.READY), key=lambda job: -job.id)
        return {job.new.queue: self.now - job.ready_since for job in highest_first}

    def ahead(self, id: JobId, order: Order) -> int | None:
        """How many ready jobs of its queue come before this one, if it is ready."""
        mine = self.jobs.get(id)
        if mine is None or mine.state is not State.READY:
            return None
        others = [job for job in self.standing(State.READY) if job.new.queue == mine.new.queue]
        places = {
            Order.PRIORITY: sorted(others, key=lambda job: (-job.priority, job.id)).index(mine),
            Order.FIFO: sorted(others, key=lambda job: job.id).index(mine),
            Order.RANDOM: len(others) - 1,
        }
        return places[order]

    def counts(self, queues: Iterable[QueueKey]) -> dict[QueueKey, Counts]:
        """Where the jobs of the queues stand."""
        standing = Counter((job.new.queue, job.state) for job in self.jobs.values())
        return {
            queue: Counts(
                **{state.value: standing[queue, state] for state in State},
                deleted=self.deleted[queue],
                pushed=self.pushed[queue],
            )
            for queue in queues
        }
