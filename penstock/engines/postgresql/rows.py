"""Rows as jobs. A row that cannot be decoded is a job too: it says why."""

from collections.abc import Mapping, Sequence

import msgspec

from penstock.engines.postgresql.connection import Row
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


def claims_of(rows: Sequence[Row]) -> list[Claim]:
    """The claims of an answer; a row without an id holds none."""
    return [
        Claim(job=_claimed_job(row), until=row["until"]) for row in rows if row["id"] is not None
    ]


def stored_job(row: Row) -> Job:
    """The job in a row of `parts/stored_job.sql`."""
    details, unreadable = _details(row)
    return Job(
        id=JobId(row["id"]),
        queue=QueueKey(row["domain"], row["type"]),
        state=State(row["state"]),
        params=row["params"],
        details=details,
        priority=row["priority"],
        attempt=row["attempt"],
        max_attempts=row["max_attempts"],
        fence=row["fence"],
        delivery=_delivery(row),
        pushed_at=row["pushed_at"],
        run_at=row["run_at"],
        claimed_at=row["claimed_at"],
        finished_at=row["finished_at"],
        worker=row["worker"],
        result=row["result"],
        error=row["error"],
        progress=_progress(row),
        cancel_requested=row["cancel_requested"],
        root=_root(row, details),
        dedupe_key=row["dedupe_key"],
        follow_ups=_follow_ups(row),
        unreadable=unreadable,
    )


def _claimed_job(row: Row) -> Job:
    """The job in a row of claim, claim_ids or reclaim: nobody has said yet how far it is."""
    details, unreadable = _details(row)
    return Job(
        id=JobId(row["id"]),
        queue=QueueKey(row["domain"], row["type"]),
        state=State.CLAIMED,
        params=row["params"],
        details=details,
        priority=row["priority"],
        attempt=row["attempt"],
        max_attempts=row["max_attempts"],
        fence=row["fence"],
        delivery=_delivery(row),
        pushed_at=row["pushed_at"],
        claimed_at=row["claimed_at"],
        worker=row["worker"],
        error=row["error"],
        cancel_requested=row["cancel_requested"],
        root=_root(row, details),
        unreadable=unreadable,
    )


def _details(row: Row) -> tuple[Details, str | None]:
    """The details, and why the row cannot be decoded if it cannot."""
    try:
        _decode_object(row["params"])
        return load_details(row["details"]), None
    except ValueError as error:
        return Details(), f"the stored row cannot be decoded: {error}"


def _delivery(row: Row) -> Delivery:
    # A word that a foreign writer left is no leave to run a job twice.
    return _DELIVERIES.get(row["delivery"], Delivery.AT_MOST_ONCE)


def _progress(row: Row) -> Progress | None:
    if row["progress_percent"] is None:
        return None
    return Progress(percent=row["progress_percent"], message=row["progress_message"] or "")


def _root(row: Row, details: Details) -> Root | None:
    if row["root_signature"] is None:
        return None
    return Root(
        signature=row["root_signature"],
        timestamp=row["root_timestamp"],
        is_self=details.root_is_self,
    )


def _follow_ups(row: Row) -> tuple[FollowUpId, ...]:
    pairs = zip(row["follow_up_ons"] or (), row["follow_up_ids"] or (), strict=True)
    return tuple(FollowUpId(On(on), JobId(id)) for on, id in pairs)


_DELIVERIES: Mapping[str, Delivery] = {delivery.value: delivery for delivery in Delivery}
