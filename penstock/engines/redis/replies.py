"""What the scripts answer: stored jobs, claims of them, and numbers."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from penstock.engine import CONFLICT, Pushed
from penstock.engines.redis.arguments import EPOCH, MICROSECOND
from penstock.engines.redis.keys import queue_of
from penstock.job import (
    Claim,
    Counts,
    Delivery,
    Details,
    FollowUpId,
    Job,
    JobId,
    On,
    Presence,
    Progress,
    Root,
    State,
    load_details,
)
from penstock.serialization import decode

# What the scripts answer; each of them says it in its head.
PushReply = tuple[bytes, int, int, bytes] | None
JobReply = list[bytes]
ClaimReply = tuple[int, JobReply]
ReadyReply = tuple[bytes, int]
CountsReply = tuple[bytes, list[int]]

_presence = msgspec.msgpack.Decoder(Presence).decode
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
_COUNTED = ("scheduled", "ready", "claimed", "done", "dead", "cancelled", "superseded")


def claims_of(replies: Sequence[ClaimReply]) -> list[Claim]:
    """The claims that a script gave."""
    return [Claim(job=job_of(reply), until=_time(until)) for until, reply in replies]


def job_of(reply: JobReply) -> Job:
    """The stored job; `unreadable` where its params or details cannot be decoded."""
    row = _Row(reply)
    details, unreadable = _details(row)
    state = State(row.need(b"state"))
    fence = int(row.text(b"fence") or 0)
    return Job(
        id=JobId(int(row.need(b"id"))),
        queue=queue_of(row.need(b"queue").encode()),
        state=state,
        params=row.need(b"params"),
        details=details,
        priority=int(row.need(b"priority")),
        attempt=int(row.text(b"attempt") or 0),
        max_attempts=int(row.need(b"max_attempts")),
        fence=fence,
        delivery=Delivery(row.text(b"delivery") or Delivery.AT_LEAST_ONCE),
        pushed_at=_time(row.need(b"pushed_at")),
        run_at=row.time(b"run_at") if state is State.SCHEDULED else None,
        claimed_at=row.time(b"claimed_at"),
        finished_at=row.time(b"finished_at"),
        worker=row.text(b"worker"),
        result=row.text(b"result"),
        error=row.text(b"error"),
        progress=_progress(row),
        cancel_requested=row.text(b"cancel_requested") is not None,
        root=_root(row, is_self=details.root_is_self),
        # A claim is told as it was found; its key has left.
        dedupe_key=None if fence else row.text(b"dedupe_key"),
        follow_ups=_follow_ups(row),
        unreadable=unreadable,
    )


def pushed_of(reply: PushReply) -> Pushed:
    """What became of a pushed job."""
    if reply is None:
        return CONFLICT
    id, deduplicated, replayed, at = reply
    return Pushed(
        id=JobId(int(id)),
        deduplicated=bool(deduplicated),
        replayed=bool(replayed),
        at=_time(int(at)),
    )


def counts_of(numbers: Sequence[int]) -> Counts:
    """The counts of a queue, as `counts` lists them."""
    return Counts(**dict(zip((*_COUNTED, "deleted", "pushed"), numbers, strict=True)))


def presence_of(reply: bytes) -> Presence:
    """The presence as it was announced."""
    return _presence(reply)


def duration(count: int | None) -> timedelta | None:
    """The duration that the scripts count so."""
    return None if count is None else count * MICROSECOND


class _Row:
    """A job's hash. A foreign writer may have left bytes in it that are no text: they are shown as such."""

    def __init__(self, reply: JobReply) -> None:
        self._fields = dict(zip(reply[::2], reply[1::2], strict=True))

    def need(self, field: bytes) -> str:
        return self._fields[field].decode(errors="replace")

    def text(self, field: bytes) -> str | None:
        found = self._fields.get(field)
        return None if found is None else found.decode(errors="replace")

    def time(self, field: bytes) -> datetime | None:
        found = self._fields.get(field)
        return None if found is None else _time(found)


def _time(stored: int | bytes | str) -> datetime:
    # Beyond the year 2255 the server's numbers are no longer exact, and may leave the calendar.
    return EPOCH + min(int(float(stored)), _LAST) * MICROSECOND


def _details(row: _Row) -> tuple[Details, str | None]:
    try:
        if not isinstance(decode(row.need(b"params")), Mapping):
            return Details(), "params: not a JSON object"
        return load_details(row.need(b"details")), None
    except ValueError as error:
        return Details(), f"the stored row cannot be decoded: {error}"


def _progress(row: _Row) -> Progress | None:
    percent = row.text(b"progress_percent")
    if percent is None:
        return None
    return Progress(percent=float(percent), message=row.need(b"progress_message"))


def _root(row: _Row, *, is_self: bool) -> Root | None:
    signature, timestamp = row.text(b"root_signature"), row.time(b"root_timestamp")
    if signature is None or timestamp is None:
        return None
    return Root(signature=signature, timestamp=timestamp, is_self=is_self)


def _follow_ups(row: _Row) -> tuple[FollowUpId, ...]:
    stored = row.text(b"follow_ups")
    if stored is None:
        return ()
    listed = msgspec.json.decode(stored, type=list[tuple[str, str]])
    return tuple(FollowUpId(On(on), JobId(int(id))) for on, id in listed)
