"""Rows as jobs. A row that cannot be decoded is a job too: it says why."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from penstock.engines.mariadb.session import Row
from penstock.engines.mariadb.times import time
from penstock.job import (
    Claim,
    Delivery,
    Details,
    FollowUpId,
    Job,
    JobId,
    On,
    Progress,
    QueueKey,
    Root,
    State,
    load_details,
)

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ClaimRow(NamedTuple):
    """The columns of `enter.claims`."""

    id: int
    domain: str
    type: str
    params: str
    details: str
    priority: int
    attempt: int
    max_attempts: int
    fence: int
    delivery: str
    pushed_at: int
    worker: str
    claimed_at: int
    until: int
    cancel_requested: int
    root_signature: str | None
    root_timestamp: int | None
    error: str | None


class JobRow(NamedTuple):
    """The columns of `get`."""

    id: int
    domain: str
    type: str
    params: str
    details: str
    priority: int
    attempt: int
    max_attempts: int
    fence: int
    delivery: str
    pushed_at: int
    worker: str | None
    claimed_at: int | None
    cancel_requested: int
    root_signature: str | None
    root_timestamp: int | None
    error: str | None
    state: str
    run_at: int | None
    finished_at: int | None
    result: str | None
    percent: float | None
    message: str | None
    follow_ups: str | None


def claims_of(rows: Iterable[Row]) -> list[Claim]:
    """The claims in their order."""
    return [_claim(ClaimRow(*row)) for row in rows]


def job_of(row: Row) -> Job:
    """The job as it stands."""
    found = JobRow(*row)
    details, unreadable = _details(found)
    return Job(
        id=JobId(found.id),
        queue=QueueKey(found.domain, found.type),
        state=State(found.state),
        params=found.params,
        details=details,
        priority=found.priority,
        attempt=found.attempt,
        max_attempts=found.max_attempts,
        fence=found.fence,
        delivery=_delivery(found),
        pushed_at=time(found.pushed_at),
        run_at=time(found.run_at),
        claimed_at=time(found.claimed_at),
        finished_at=time(found.finished_at),
        worker=found.worker,
        result=found.result,
        error=found.error,
        progress=_progress(found),
        cancel_requested=bool(found.cancel_requested),
        root=_root(found, details),
        follow_ups=_follow_ups(found.follow_ups),
        unreadable=unreadable,
    )


def _claim(found: ClaimRow) -> Claim:
    details, unreadable = _details(found)
    job = Job(
        id=JobId(found.id),
        queue=QueueKey(found.domain, found.type),
        state=State.CLAIMED,
        params=found.params,
        details=details,
        priority=found.priority,
        attempt=found.attempt,
        max_attempts=found.max_attempts,
        fence=found.fence,
        delivery=_delivery(found),
        pushed_at=time(found.pushed_at),
        claimed_at=time(found.claimed_at),
        worker=found.worker,
        error=found.error,
        cancel_requested=bool(found.cancel_requested),
        root=_root(found, details),
        unreadable=unreadable,
    )
    return Claim(job=job, until=time(found.until))


def _details(row: ClaimRow | JobRow) -> tuple[Details, str | None]:
    """The details, and why the row cannot be decoded if it cannot."""
    try:
        _decode_object(row.params)
        return load_details(row.details), None
    except ValueError as error:
        return Details(), f"the stored row cannot be decoded: {error}"


def _delivery(row: ClaimRow | JobRow) -> Delivery:
    # A word that a foreign writer left is no leave to run a job twice.
    return _DELIVERIES.get(row.delivery, Delivery.AT_MOST_ONCE)


def _progress(row: JobRow) -> Progress | None:
    return None if row.percent is None else Progress(percent=row.percent, message=row.message or "")


def _root(row: ClaimRow | JobRow, details: Details) -> Root | None:
    if row.root_signature is None or row.root_timestamp is None:
        return None
    return Root(
        signature=row.root_signature,
        timestamp=time(row.root_timestamp),
        is_self=details.root_is_self,
    )


def _follow_ups(text: str | None) -> tuple[FollowUpId, ...]:
    pairs = (pair.split() for pair in text.split(",")) if text else ()
    return tuple(FollowUpId(On(on), JobId(int(id))) for on, id in pairs)


_DELIVERIES: Mapping[str, Delivery] = {delivery.value: delivery for delivery in Delivery}
