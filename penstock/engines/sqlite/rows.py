"""Jobs as rows and rows as jobs. A row that cannot be decoded is a job too: it says why."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import msgspec

from penstock.engines.sqlite.times import told
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

Value: TypeAlias = int | str | None
Row: TypeAlias = tuple[Value, ...]
JobRow: TypeAlias = tuple[
    int,  # id
    str,  # domain
    str,  # type
    bytes,  # params
    bytes,  # details
    Value,  # priority
    Value,  # max_attempts
    str,  # delivery
    int,  # pushed_at
    str | None,  # root_signature
    int | None,  # root_timestamp
    str,  # state
    int,  # attempt
    int,  # fence
    bytes | None,  # worker
    int | None,  # claimed_at
    bytes | None,  # progress
    int,  # cancel_requested
    bytes | None,  # error
    int | None,  # run_at
    int | None,  # until
    int | None,  # finished_at
    bytes | None,  # result
    bytes | None,  # follow_ups
    bytes | None,  # dedupe_key
]

_BATCH_BYTES = 8 * 1024 * 1024

_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_progress = msgspec.json.Decoder(Progress).decode
_decode_follow_ups = msgspec.json.Decoder(tuple[tuple[On, int], ...]).decode


def as_json(rows: Iterable[Value | Row]) -> str:
    """The rows as the text of one JSON array, as a parameter of a statement."""
    return _encode(list(rows)).decode()


def in_batches(rows: Iterable[Row]) -> Iterable[str]:
    """The rows as JSON arrays, none of them much above 8 MiB unless a single row is."""
    batch: list[bytes] = []
    size = 0
    for row in rows:
        text = _encode(row)
        if batch and size + len(text) > _BATCH_BYTES:
            yield _array(batch)
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield _array(batch)


def storable(text: str | None) -> str | None:
    """The text without what SQLite's JSON cannot carry: NUL, and halves of surrogate pairs."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def dump_progress(progress: Progress | None) -> str | None:
    """The text in which progress is stored; None where nothing is said."""
    if progress is None:
        return None
    return _encode(
        Progress(percent=progress.percent, message=storable(progress.message) or "")
    ).decode()


def dump_follow_ups(follow_ups: Sequence[FollowUpId]) -> str | None:
    """The text in which the follow-ups of an ended job are stored; None for none."""
    return _encode([(each.on, each.id) for each in follow_ups]).decode() if follow_ups else None


def job_of(row: JobRow) -> Job:
    """The stored job."""
    try:
        params, details, unreadable = _text(row)
        return _job(row, params, details, unreadable)
    except (ValueError, TypeError, KeyError) as error:
        return _little_of(row, f"the stored row cannot be decoded: {error}")


def claim_of(row: JobRow) -> Claim:
    """The claim of a job that is claimed."""
    return Claim(job=job_of(row), until=told(row[20] or 0))


def _array(batch: Sequence[bytes]) -> str:
    return (b"[" + b",".join(batch) + b"]").decode()


def _text(row: JobRow) -> tuple[str, Details, str | None]:
    """Params and details, and why they cannot be decoded if they cannot."""
    try:
        _decode_object(row[3])
        return row[3].decode(), load_details(row[4].decode()), None
    except ValueError as error:
        return "{}", Details(), f"the stored params or details cannot be decoded: {error}"


def _job(row: JobRow, params: str, details: Details, unreadable: str | None) -> Job:
    (
        id, domain, type, _, _, priority, max_attempts, delivery, pushed_at, root_signature, root_timestamp,
        state, attempt, fence, worker, claimed_at, progress, cancel_requested, error, run_at, _, finished_at,
        result, follow_ups, dedupe_key,
    ) = row  # fmt: skip
    return Job(
        id=JobId(id),
        queue=_queue(domain, type),
        state=_STATES[state],
        params=params,
        details=details,
        priority=_whole(priority),
        attempt=attempt,
        max_attempts=_whole(max_attempts),
        fence=fence,
        delivery=_DELIVERIES[delivery],
        pushed_at=told(pushed_at),
        run_at=None if run_at is None else told(run_at),
        claimed_at=None if claimed_at is None else told(claimed_at),
        finished_at=None if finished_at is None else told(finished_at),
        worker=_text_of(worker),
        result=_text_of(result),
        error=_text_of(error),
        progress=None if progress is None else _decode_progress(progress),
        cancel_requested=bool(cancel_requested),
        root=_root(root_signature, root_timestamp, details),
        dedupe_key=_text_of(dedupe_key),
        follow_ups=() if follow_ups is None else _follow_ups(follow_ups),
        unreadable=unreadable,
    )


@lru_cache(maxsize=1024)
def _queue(domain: str, type: str) -> QueueKey:
    """The same key again and again: jobs come in batches of one queue."""
    return QueueKey(domain, type)


def _text_of(stored: bytes | None) -> str | None:
    return None if stored is None else stored.decode(errors="replace")


def _root(signature: str | None, timestamp: int | None, details: Details) -> Root | None:
    if signature is None or timestamp is None:
        return None
    return Root(signature=signature, timestamp=told(timestamp), is_self=details.root_is_self)


def _follow_ups(text: bytes) -> tuple[FollowUpId, ...]:
    return tuple(FollowUpId(on, JobId(id)) for on, id in _decode_follow_ups(text))


def _little_of(row: JobRow, reason: str) -> Job:
    """What can be told of a row in which nothing is sure, and the reason; its holder needs no more to bury it."""
    return Job(
        id=JobId(row[0]),
        queue=QueueKey(row[1], row[2]),
        state=_STATES.get(row[11], State.DEAD),
        params="{}",
        details=Details(),
        priority=_number(row[5]),
        attempt=_number(row[12]),
        max_attempts=_number(row[6]),
        fence=_number(row[13]),
        delivery=_DELIVERIES.get(row[7], Delivery.AT_MOST_ONCE),
        pushed_at=told(_number(row[8])),
        unreadable=reason,
    )


def _whole(value: Value) -> int:
    # SQLite takes any value in any column.
    if isinstance(value, int):
        return value
    raise TypeError(f"{value!r} is no number")


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0


_STATES: Mapping[str, State] = {state.value: state for state in State}
_DELIVERIES: Mapping[str, Delivery] = {delivery.value: delivery for delivery in Delivery}
