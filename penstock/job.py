# long: every record that stands for a job, from its push to its end, to be found in one place
"""A job: what it is before it is stored, while it is stored, and while somebody holds it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

import msgspec

from penstock.serialization import JSON, JSONObject, decode

JobId = NewType("JobId", int)

SEQUENCE_SPAN = 10**13  # ids are store number × this + sequence, all below 2^53
MAX_STORE_NUMBER = 899  # 899 × 10^13 + 10^13 < 2^53
DEFAULT_PRIORITY = 500
MAX_PRIORITY = 1000
MAX_ATTEMPTS = 1000
MAX_NAME = 100  # characters of a type or a domain
CALLBACK_TYPE = "callback"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")


class State(StrEnum):
    """Where a job stands; the words of columns, JSON and metrics."""

    SCHEDULED = "scheduled"
    READY = "ready"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def ended(self) -> bool:
        """Whether nothing but a requeue or a delete will move the job."""
        return self in ENDED


WAITING = frozenset({State.SCHEDULED, State.READY})
ENDED = frozenset({State.DONE, State.DEAD, State.CANCELLED, State.SUPERSEDED})


class Move(StrEnum):
    """What a job can do."""

    PUSH = "push"
    PROMOTE = "promote"
    CLAIM = "claim"
    RENEW = "renew"
    ACK = "ack"
    RETRY = "retry"
    BURY = "bury"
    RELEASE = "release"
    CANCEL = "cancel"
    RECLAIM = "reclaim"
    REQUEUE = "requeue"
    DELETE = "delete"


MOVES: Mapping[Move, Mapping[State, frozenset[State]]] = {
    Move.PROMOTE: {State.SCHEDULED: frozenset({State.READY})},
    Move.CLAIM: {
        State.SCHEDULED: frozenset({State.CLAIMED}),  # by its id
        State.READY: frozenset({State.CLAIMED, State.SUPERSEDED}),
    },
    Move.RENEW: {State.CLAIMED: frozenset({State.CLAIMED})},
    Move.ACK: {State.CLAIMED: frozenset({State.DONE})},
    Move.RETRY: {State.CLAIMED: frozenset({State.SCHEDULED, State.READY})},
    Move.BURY: {State.CLAIMED: frozenset({State.DEAD})},
    Move.RELEASE: {State.CLAIMED: frozenset({State.SCHEDULED, State.READY})},
    Move.CANCEL: {
        State.SCHEDULED: frozenset({State.CANCELLED}),
        State.READY: frozenset({State.CANCELLED}),
        State.CLAIMED: frozenset({State.CANCELLED, State.CLAIMED}),  # claimed: only asked
    },
    Move.RECLAIM: {State.CLAIMED: frozenset({State.READY, State.CLAIMED})},
    Move.REQUEUE: {State.DEAD: frozenset({State.READY})},
    Move.DELETE: {state: frozenset() for state in State if state is not State.CLAIMED},
}


class Order(StrEnum):
    """Which ready job of a queue comes first."""

    PRIORITY = "priority"  # priority, then id
    FIFO = "fifo"  # id
    RANDOM = "random"


class Delivery(StrEnum):
    """What happens to a job whose worker was lost."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class On(StrEnum):
    """The end that a callback waits for."""

    DONE = "done"
    FAILED = "failed"  # dead or cancelled


@dataclass(frozen=True, slots=True, order=True)
class QueueKey:
    """All jobs of one type in one domain."""

    domain: str
    type: str

    def __str__(self) -> str:
        return f"{self.domain}/{self.type}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The family of a job: a newer root of the same signature supersedes the older family."""

    signature: str
    timestamp: datetime
    is_self: bool = False  # the head of the family


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A command to run when a job has ended.

    `report` false: the command is sent as it stands (the Queue Server's `callback_done`).
    `report` true: the job is posted to the command's URL as a signed event.
    """

    on: On
    type: str
    params: str  # the JSON text of an object
    report: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What travels with a job and no engine looks at."""

    context: str = "default"
    timeout: timedelta | None = None
    callbacks: tuple[Callback, ...] = ()
    root_is_self: bool = False
    trace: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """The caller's key for one push, counted per domain, and a fingerprint of what it asked for.

    Jobs that are asked for together under one key are told apart by their `item`.
    """

    key: str
    fingerprint: str
    item: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A checked job, complete, as an engine stores it."""

    queue: QueueKey
    params: str = "{}"  # the JSON text of an object
    details: Details = Details()
    priority: int = DEFAULT_PRIORITY
    delay: timedelta = timedelta(0)  # zero or less: ready now
    run_at: datetime | None = None  # instead of delay; a time of the store's clock
    dedupe_key: str | None = None
    root: Root | None = None
    max_attempts: int = 3
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    idempotency: Idempotency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a claimed job says it is."""

    percent: float
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A job to push in the commit that ends another."""

    on: On
    job: NewJob


@dataclass(frozen=True, slots=True)
class FollowUpId:
    """A follow-up that was pushed when a job ended."""

    on: On
    id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A stored job, as it stood when it was read. Times are the store's."""

    id: JobId
    queue: QueueKey
    state: State
    params: str
    details: Details
    priority: int
    attempt: int
    max_attempts: int
    fence: int
    delivery: Delivery
    pushed_at: datetime
    run_at: datetime | None = None
    claimed_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    result: str | None = None  # the JSON text of any value
    error: str | None = None
    progress: Progress | None = None
    cancel_requested: bool = False
    root: Root | None = None
    dedupe_key: str | None = None  # by which an equal push finds it; it leaves at the claim
    follow_ups: tuple[FollowUpId, ...] = ()
    unreadable: str | None = None  # why the stored row could not be decoded; such a job is buried

    @property
    def type(self) -> str:
        """The type, which names the handler."""
        return self.queue.type

    @property
    def domain(self) -> str:
        """The tenant."""
        return self.queue.domain


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """The name of one claim: a job and the fence it was claimed with."""

    id: JobId
    fence: int  # rises at every claim; an old fence moves nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to move one job, for a while."""

    job: Job
    until: datetime  # by the store's clock

    @property
    def ref(self) -> ClaimRef:
        """The name of this claim."""
        return ClaimRef(self.job.id, self.job.fence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many jobs of a queue stand where; `deleted` counts what retention or a user removed."""

    scheduled: int = 0
    ready: int = 0
    claimed: int = 0
    done: int = 0
    dead: int = 0
    cancelled: int = 0
    superseded: int = 0
    deleted: int = 0
    pushed: int = 0

    @property
    def conserved(self) -> bool:
        """Whether every pushed job is accounted for."""
        stored = self.scheduled + self.ready + self.claimed + self.done + self.dead
        return self.pushed == stored + self.cancelled + self.superseded + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A live runner, as it announced itself: a hint only."""

    worker: str
    slots: int
    types: frozenset[str] = field(default_factory=frozenset)


def is_name(text: str) -> bool:
    """Whether a type or a domain may be called so."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def store_number(id: JobId) -> int:
    """The number of the store that issued this id."""
    return id // SEQUENCE_SPAN


def first_id(number: int) -> JobId:
    """The first id of the store with this number."""
    return JobId(number * SEQUENCE_SPAN + 1)


_details_encoder = msgspec.json.Encoder()
_details_decoder = msgspec.json.Decoder(Details)
_DEFAULT_DETAILS = Details()


def dump_details(details: Details) -> str:
    """The text in which an engine stores the details; empty for the defaults."""
    if details == _DEFAULT_DETAILS:
        return ""
    return _details_encoder.encode(details).decode()


def load_details(text: str) -> Details:
    """The details stored as `text`; ValueError if they cannot be read."""
    if not text:
        return _DEFAULT_DETAILS
    try:
        return _details_decoder.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deep to be read") from error


def params_of(job: Job) -> JSONObject:
    """The params of a stored job; ValueError if what is stored is no JSON object."""
    if job.unreadable is not None:
        raise ValueError(job.unreadable)
    value: JSON = decode(job.params)
    if not isinstance(value, Mapping):
        raise ValueError(f"the params of job {job.id} are no JSON object")
    return value


def describe(job: Job) -> dict[str, JSON]:
    """The job as JSON shows it to people and programs; its callbacks are told by whoever can look them up."""
    return {
        "id": job.id,
        "type": job.type,
        "domain": job.domain,
        "context": job.details.context,
        "priority": job.priority,
        "state": job.state.value,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "params": _shown_params(job),
        "pushed_at": timestamp(job.pushed_at),
        "run_at": timestamp(job.run_at),
        "claimed_at": timestamp(job.claimed_at),
        "finished_at": timestamp(job.finished_at),
        "worker": job.worker,
        "result": describe_result(job.result),
        "error": job.error,
        "progress": _shown_progress(job.progress),
        "cancel_requested": job.cancel_requested,
    }


def describe_result(result: str | None) -> JSON:
    """The value of a stored result; its text where it cannot be read."""
    if result is None:
        return None
    try:
        return decode(result)
    except ValueError:
        return result


def timestamp(time: datetime | None) -> str | None:
    """A time as RFC 3339 writes it, in UTC."""
    return None if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _shown_params(job: Job) -> JSON:
    try:
        return params_of(job)
    except ValueError:
        return None


def _shown_progress(progress: Progress | None) -> JSON:
    if progress is None:
        return None
    return {"percent": progress.percent, "message": progress.message}
