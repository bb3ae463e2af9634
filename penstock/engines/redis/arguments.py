"""What the scripts read: jobs, wants and ends, each packed into one argument; durations in microseconds.

What is as usual is left out: to unpack it costs the server more than to know it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from penstock.engine import (
    IDEMPOTENCY_MEMORY,
    ROOT_MEMORY,
    Ack,
    Bury,
    Cancel,
    Registration,
    Release,
    Renew,
    Retry,
    Want,
)
from penstock.engines.redis.keys import id_text, push_name, queue_name
from penstock.job import Delivery, FollowUp, Idempotency, NewJob, Presence, Root, dump_details

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)

_pack = msgspec.msgpack.Encoder().encode


class RootRow(msgspec.Struct):
    """A root to register; its memory in milliseconds."""

    signature: str
    timestamp: int
    memory: int


class RegistrationRow(msgspec.Struct):
    """A root to register without a job."""

    queue: str
    root: RootRow


class IdempotencyRow(msgspec.Struct):
    """A caller's key, and the name of its record for this job; its memory in milliseconds."""

    key: str
    name: str
    fingerprint: str
    memory: int


class NewRow(msgspec.Struct, omit_defaults=True):
    """A job to push."""

    queue: str
    params: str
    details: str
    priority: int
    max_attempts: int
    delivery: str = Delivery.AT_LEAST_ONCE.value
    delay: int = 0
    run_at: int | None = None
    dedupe_key: str | None = None
    root: RootRow | None = None
    idempotency: IdempotencyRow | None = None


class FollowUpRow(msgspec.Struct):
    """A job to push with the end of another."""

    on: str
    job: NewRow


class WantRow(msgspec.Struct):
    """Jobs to claim."""

    queue: str
    limit: int
    ttl: int
    order: str
    floor: int
    keep: int


class RenewRow(msgspec.Struct):
    """A sign of life."""

    id: str
    fence: int
    ttl: int | None
    percent: float | None
    message: str | None


class EndRow(msgspec.Struct, omit_defaults=True):
    """A job to end."""

    id: str
    keep: int
    fence: int | None = None
    error: str | None = None
    result: str | None = None
    follow_ups: list[FollowUpRow] = []


class BackRow(msgspec.Struct):
    """A claim to give back."""

    id: str
    fence: int
    after: int
    error: str | None


def pack_new(new: NewJob) -> bytes:
    """The job as push reads it."""
    return _pack(_new_row(new))


def pack_registration(registration: Registration) -> bytes:
    """The root as register reads it."""
    root = _known_root(registration.root)
    return _pack(RegistrationRow(queue=queue_name(registration.queue), root=root))


def pack_want(want: Want) -> bytes:
    """The want as claim reads it."""
    return _pack(
        WantRow(
            queue=queue_name(want.queue),
            limit=want.limit,
            ttl=microseconds(want.ttl),
            order=want.order,
            floor=want.floor,
            keep=microseconds(want.keep),
        )
    )


def pack_renewal(renewal: Renew) -> bytes:
    """The sign of life as renew reads it."""
    progress = renewal.progress
    return _pack(
        RenewRow(
            id=id_text(renewal.ref.id),
            fence=renewal.ref.fence,
            ttl=None if renewal.ttl is None else microseconds(renewal.ttl),
            percent=progress.percent if progress else None,
            message=progress.message if progress else None,
        )
    )


def pack_end(end: Ack | Bury) -> bytes:
    """The end as ack and bury read it."""
    return _pack(
        EndRow(
            id=id_text(end.ref.id),
            fence=end.ref.fence,
            error=end.error if isinstance(end, Bury) else None,
            result=end.result,
            keep=microseconds(end.keep),
            follow_ups=_follow_up_rows(end.follow_ups),
        )
    )


def pack_cancel(cancel: Cancel) -> bytes:
    """The end as cancel reads it."""
    return _pack(
        EndRow(
            id=id_text(cancel.id),
            fence=cancel.fence,
            error=cancel.error,
            result=cancel.result,
            keep=microseconds(cancel.keep),
            follow_ups=_follow_up_rows(cancel.follow_ups),
        )
    )


def pack_back(back: Retry | Release) -> bytes:
    """The claim as retry and release give it back."""
    return _pack(
        BackRow(
            id=id_text(back.ref.id),
            fence=back.ref.fence,
            after=microseconds(back.after),
            error=back.error if isinstance(back, Retry) else None,
        )
    )


def pack_presence(presence: Presence) -> bytes:
    """The presence as announce keeps it."""
    return _pack(presence)


def microseconds(duration: timedelta) -> int:
    """The duration as the scripts count."""
    return duration // MICROSECOND


def _new_row(new: NewJob) -> NewRow:
    return NewRow(
        queue=queue_name(new.queue),
        params=new.params,
        details=dump_details(new.details),
        priority=new.priority,
        delay=microseconds(new.delay),
        run_at=None if new.run_at is None else microseconds(new.run_at - EPOCH),
        dedupe_key=new.dedupe_key,
        root=_root_row(new.root),
        max_attempts=new.max_attempts,
        delivery=new.delivery.value,
        idempotency=_idempotency_row(new.queue.domain, new.idempotency),
    )


def _root_row(root: Root | None) -> RootRow | None:
    return None if root is None else _known_root(root)


def _known_root(root: Root) -> RootRow:
    return RootRow(
        signature=root.signature,
        timestamp=microseconds(root.timestamp - EPOCH),
        memory=ROOT_MEMORY // _MILLISECOND,
    )


def _idempotency_row(domain: str, idempotency: Idempotency | None) -> IdempotencyRow | None:
    if idempotency is None:
        return None
    return IdempotencyRow(
        key=idempotency.key,
        name=push_name(domain, idempotency.key, idempotency.item),
        fingerprint=idempotency.fingerprint,
        memory=IDEMPOTENCY_MEMORY // _MILLISECOND,
    )


def _follow_up_rows(follow_ups: Sequence[FollowUp]) -> list[FollowUpRow]:
    return [FollowUpRow(on=each.on, job=_new_row(each.job)) for each in follow_ups]
