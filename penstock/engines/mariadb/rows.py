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


class Numbers(NamedTuple):
    """What `enter.claims` has in its first column."""

    id: int
    priority: int
    attempt: int
    max_attempts: int
    fence: int
    runs_again: int
    pushed_at: int
    claimed_at: int
    until: int
    cancel_requested: int
    root_timestamp: int


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
    dedupe_key: str | None


def claims_of(rows: Iterable[Row], worker: str) -> list[Claim]:
    """The claims of this worker in their order."""
    return [_claim(row, worker) for row in rows]


def job_of(row: Row) -> Job:
    """The job as it stands."""
    found = JobRow(*row)
    details, unreadable = _details(found.params, found.details)
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
        delivery=_delivery(found.delivery),
        pushed_at=time(found.pushed_at),
        run_at=time(found.run_at),
        claimed_at=time(found.claimed_at),
        finished_at=time(found.finished_at),
        worker=found.worker,
        result=found.result,
        error=found.error,
        progress=_progress(found),
        cancel_requested=bool(found.cancel_requested),
        root=_root(found.root_signature, found.root_timestamp, details),
        dedupe_key=found.dedupe_key,
        follow_ups=_follow_ups(found.follow_ups),
        unreadable=unreadable,
    )


def _claim(row: Row, worker: str) -> Claim:
    numbers, domain, type, params, details_text, signature, error = row
    found = Numbers(*map(int, numbers.split()))
    details, unreadable = _details(params, details_text)
    stamp = None if signature is None else found.root_timestamp
    job = Job(
        id=JobId(found.id),
        queue=QueueKey(domain, type),
        state=State.CLAIMED,
        params=params,
        details=details,
        priority=found.priority,
        attempt=found.attempt,
        max_attempts=found.max_attempts,
        fence=found.fence,
        delivery=Delivery.AT_LEAST_ONCE if found.runs_again else Delivery.AT_MOST_ONCE,
        pushed_at=time(found.pushed_at),
        claimed_at=time(found.claimed_at),
        worker=worker,
        error=error,
        cancel_requested=bool(found.cancel_requested),
        root=_root(signature, stamp, details),
        unreadable=unreadable,
    )
    return Claim(job=job, until=time(found.until))


def _details(params: str, text: str) -> tuple[Details, str | None]:
    """The details, and why the row cannot be decoded if it cannot."""
    try:
        _decode_object(params)
        return load_details(text), None
    except ValueError as error:
        return Details(), f"the stored row cannot be decoded: {error}"


def _delivery(word: str) -> Delivery:
    # A word that a foreign writer left is no leave to run a job twice.
    return _DELIVERIES.get(word, Delivery.AT_MOST_ONCE)


def _progress(row: JobRow) -> Progress | None:
    return None if row.percent is None else Progress(percent=row.percent, message=row.message or "")


def _root(signature: str | None, stamp: int | None, details: Details) -> Root | None:
    if signature is None or stamp is None:
        return None
    return Root(signature=signature, timestamp=time(stamp), is_self=details.root_is_self)


def _follow_ups(text: str | None) -> tuple[FollowUpId, ...]:
    pairs = (pair.split() for pair in text.split(",")) if text else ()
    return tuple(FollowUpId(On(on), JobId(int(id))) for on, id in pairs)


_DELIVERIES: Mapping[str, Delivery] = {delivery.value: delivery for delivery in Delivery}
