"""What a push comes to, before anything is stored: replays, conflicts, and one candidate for each set of equal jobs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.engine import CONFLICT, IDEMPOTENCY_MEMORY, KeyRecord, Pushed, conflicts, key_record
from penstock.engines.mariadb.moves.queues import Numbers
from penstock.engines.mariadb.times import duration, moment, time
from penstock.job import JobId, NewJob, Root


@dataclass(frozen=True, slots=True)
class Record:
    """What was answered to an idempotency key."""

    fingerprint: str
    id: JobId
    deduplicated: int
    until: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knew before the push."""

    now: int
    numbers: Numbers
    records: Mapping[bytes, Record]
    old: Sequence[bytes]  # records that are to be forgotten


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A job that is stored unless its twin waits; equal jobs of one call are one."""

    new: NewJob
    queue: int
    priority: int
    root: Root | None
    due: int  # as far as it was known before; zero: ready
    run_at: int | None  # exactly, where it was asked for
    dedupe_key: bytes | None
    id: JobId | None = None  # once it is known, or that of its twin
    is_raised: bool = False  # its twin was there

    @property
    def is_ready(self) -> bool:
        return self.due <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The answer to come for a job that is no replay of what the store knew."""

    candidate: int
    deduplicated: bool = False
    replayed: bool = False


@dataclass(slots=True)
class Plan:
    """What a push comes to."""

    known: Known
    answers: list[Pushed | Fresh] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    roots: dict[tuple[int, str], int] = field(default_factory=dict)
    remembered: dict[KeyRecord, tuple[str, Fresh]] = field(default_factory=dict)
    twins: dict[tuple[int, str], int] = field(default_factory=dict)


def add(plan: Plan, jobs: Sequence[NewJob]) -> None:
    """The plan stores these jobs too, as one push after those that it had."""
    fallen = conflicts(jobs, _fingerprints(plan, jobs))
    for place, new in enumerate(jobs):
        answer = CONFLICT if place in fallen else _replay(plan, new) or _take_up(plan, new)
        plan.answers.append(answer)


def _fingerprints(plan: Plan, jobs: Sequence[NewJob]) -> Mapping[KeyRecord, str]:
    """What is known of the keys, from before or from this plan."""
    found: dict[KeyRecord, str] = {}
    for record in filter(None, map(key_record, jobs)):
        if first := plan.remembered.get(record):
            found[record] = first[0]
        elif known := plan.known.records.get(digest_of(record)):
            found[record] = known.fingerprint
    return found


def _replay(plan: Plan, new: NewJob) -> Pushed | Fresh | None:
    record = key_record(new)
    if record is None:
        return None
    if first := plan.remembered.get(record):
        answer = first[1]
        return Fresh(candidate=answer.candidate, deduplicated=answer.deduplicated, replayed=True)
    known = plan.known.records.get(digest_of(record))
    if known is None:
        return None
    return Pushed(
        id=known.id,
        deduplicated=bool(known.deduplicated),
        replayed=True,
        at=time(known.until - duration(IDEMPOTENCY_MEMORY)),
    )


def _take_up(plan: Plan, new: NewJob) -> Fresh:
    queue = plan.known.numbers[new.queue]
    if new.root is not None:
        family = queue, new.root.signature
        stamp = moment(new.root.timestamp)
        plan.roots[family] = max(stamp, plan.roots.get(family, stamp))
    answer = _equal(plan, new, queue) or _another(plan, new, queue)
    record = key_record(new)
    if new.idempotency is not None and record is not None:
        plan.remembered[record] = new.idempotency.fingerprint, answer
    return answer


def _equal(plan: Plan, new: NewJob, queue: int) -> Fresh | None:
    if new.dedupe_key is None:
        return None
    place = plan.twins.get((queue, new.dedupe_key))
    if place is None:
        return None
    first = plan.candidates[place]
    first.priority = max(first.priority, new.priority)
    first.root = newer(new.root, first.root)
    due, run_at = _due(new, plan.known.now)
    if due < first.due:
        first.due, first.run_at = due, run_at
    return Fresh(candidate=place, deduplicated=True)


def _another(plan: Plan, new: NewJob, queue: int) -> Fresh:
    place = len(plan.candidates)
    due, run_at = _due(new, plan.known.now)
    if new.dedupe_key is not None:
        plan.twins[queue, new.dedupe_key] = place
    plan.candidates.append(
        Candidate(
            new=new,
            queue=queue,
            priority=new.priority,
            root=new.root,
            due=due,
            run_at=run_at,
            dedupe_key=None if new.dedupe_key is None else digest(new.dedupe_key),
        )
    )
    return Fresh(candidate=place)


def newer(root: Root | None, than: Root | None) -> Root | None:
    """The newer of two roots; the second where they are equal."""
    if root is None or (than is not None and root.timestamp <= than.timestamp):
        return than
    return root


def _due(new: NewJob, now: int) -> tuple[int, int | None]:
    """How long until the job may run, and when exactly if that was said."""
    if new.run_at is None:
        return max(duration(new.delay), 0), None
    at = moment(new.run_at)
    return max(at - now, 0), at


def digest_of(record: KeyRecord) -> bytes:
    """Under what the store keeps the record."""
    domain, key, item = record
    return digest(f"{len(domain)} {domain} {item} {key}")


def digest(text: str) -> bytes:
    """Of a length that an index takes, and equal for equal texts only."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
