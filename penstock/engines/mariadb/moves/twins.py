"""Twins: of jobs that have a key, those that found an equal one waiting give it what is more of theirs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from penstock.engines.mariadb.moves.plan import Candidate, newer
from penstock.engines.mariadb.session import Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.times import moment, time
from penstock.job import JobId, Root


@dataclass(frozen=True, slots=True)
class _Twin:
    """A job that waits under the key of a candidate."""

    id: JobId
    priority: int
    root: Root | None
    run_at: int | None  # of a scheduled one


def raise_twins(
    session: Session, candidates: Sequence[Candidate], now: int
) -> tuple[Counter[int], Sequence[Call]]:
    """How many twins become ready in each queue, and the steps that raise them.

    The candidates that have one are told so; the twins are locked. The jobs of these candidates, stored before, go.
    """
    own = [each.id for each in candidates]
    raised = _settle(session, [each for each in candidates if each.dedupe_key is not None])
    flips: Counter[int] = Counter()
    if not raised:
        return flips, []
    kept = {each.id for each in candidates}
    calls = [call_each("push.drop", [{"id": id} for id in own if id not in kept])]
    for candidate, twin in _waiting(session, raised):
        calls += _raise(candidate, twin, now)
        flips[candidate.queue] += _becomes_ready(candidate, twin, now)
    return +flips, calls


def _settle(session: Session, keyed: Sequence[Candidate]) -> list[Candidate]:
    """Those whose twin waits, with its id instead of theirs. Sorted, so that two calls do not wait for each other."""
    if not keyed:
        return []
    rows: list[Values] = [
        {
            "queue": each.queue,
            "dedupe_key": each.dedupe_key,
            "id": each.id,
            "told": each.new.dedupe_key,
        }
        for each in sorted(keyed, key=lambda each: (each.queue, each.dedupe_key or b""))
    ]
    [found] = session.run(call_each("push.twin", rows), call_each("push.twins", rows))
    standing = {(queue, key): JobId(id) for queue, key, id in found}
    raised = []
    for each in keyed:
        twin = standing[each.queue, each.dedupe_key]
        if twin != each.id:
            each.id, each.is_raised = twin, True
            raised.append(each)
    return raised


def _waiting(session: Session, raised: Sequence[Candidate]) -> Iterator[tuple[Candidate, _Twin]]:
    """Each with its twin as it waits, in the order of the ids."""
    by_id = {each.id: each for each in raised}
    [rows] = session.run(call_each("push.waiting", [{"id": id} for id in by_id]))
    for id, priority, signature, stamp, run_at in rows:
        root = None if signature is None else Root(signature=signature, timestamp=time(stamp))
        yield by_id[id], _Twin(id, priority, root, run_at)


def _raise(candidate: Candidate, twin: _Twin, now: int) -> Iterator[Call]:
    root = newer(candidate.root, twin.root)
    priority = max(twin.priority, candidate.priority)
    values: Values = {
        "id": twin.id,
        "queue": candidate.queue,
        "priority": priority,
        "rooted": root is not None,
        "root_signature": root and root.signature,
        "root_timestamp": root and moment(root.timestamp),
        "run_at": candidate.run_at,
        "delay": candidate.due,
    }
    is_changed = priority != twin.priority or root is not twin.root
    if is_changed:
        yield call("push.raise_job", **values)
    if _becomes_ready(candidate, twin, now):
        yield call("push.make_ready", **values)
        yield call("push.leave_scheduled", **values)
    elif twin.run_at is not None:
        yield call("push.raise_scheduled", **values)
    elif is_changed:
        yield call("push.raise_ready", **values)


def _becomes_ready(candidate: Candidate, twin: _Twin, now: int) -> bool:
    """Whether the twin is scheduled, and one of the two is due."""
    return twin.run_at is not None and (candidate.is_ready or twin.run_at <= now)
