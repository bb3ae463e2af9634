"""What can be read; nothing of it changes anything."""

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice

from penstock.engine import JobFilter, ReadyQueue
from penstock.engines.mariadb.moves.queues import named
from penstock.engines.mariadb.rows import job_of
from penstock.engines.mariadb.session import Row, Session
from penstock.engines.mariadb.statements import Call, Values, call, call_each
from penstock.engines.mariadb.times import span
from penstock.job import ENDED, Counts, Job, JobId, Order, QueueKey, State

MOST_AT_ONCE = 100  # questions in one statement
NEWEST = 2**63 - 1


def ready(
    session: Session, types: Collection[str], domains: Collection[str] | None, *, limit: int
) -> Sequence[ReadyQueue]:
    """The queues worth a claim."""
    if not types or (domains is not None and not domains):
        return []
    [rows] = session.run(
        call(
            "ready",
            types=tuple(types),
            any_domain=domains is None,
            domains=tuple(domains or ("",)),
            most=limit,
        )
    )
    return [
        ReadyQueue(queue=QueueKey(domain, type), priority=priority)
        for domain, type, priority in rows
    ]


def get(session: Session, ids: Sequence[JobId]) -> Sequence[Job | None]:
    """The jobs as they stand, each in its place."""
    if not ids:
        return []
    [rows] = session.run(call_each("get", [{"id": id} for id in sorted(set(ids))]))
    found = {job.id: job for job in map(job_of, rows)}
    return [found.get(id) for id in ids]


def list_jobs(
    session: Session, which: JobFilter, *, limit: int, after: JobId | None
) -> Sequence[Job]:
    """The jobs that match, newest first, as they stood at one moment."""
    if limit <= 0:
        return []
    session.run(call("transaction.begin_reading"))
    newest = heapq.nlargest(limit, set(_matching(session, which, limit, after)))
    jobs = get(session, newest)
    session.run(call("transaction.commit"))
    return [job for job in jobs if job is not None]


def _matching(
    session: Session, which: JobFilter, limit: int, after: JobId | None
) -> Iterator[JobId]:
    """The newest that match of each queue, wherever they stand."""
    below = NEWEST if after is None else after
    if which == JobFilter():
        [rows] = session.run(call("list.every", below=below, most=limit))
        yield from (id for [id] in rows)
        return
    [queues] = session.run(call("list.queues", domain=which.domain, type=which.type))
    states = [which.state] if which.state else list(State)
    calls = (
        _newest(state, queue=queue, below=below, most=limit)
        for [queue] in queues
        for state in states
    )
    while some := list(islice(calls, MOST_AT_ONCE)):
        yield from (id for rows in session.run(*some) for [id] in rows)


def _newest(state: State, **values: object) -> Call:
    return call(f"list.{'finished' if state in ENDED else state}", state=state.value, **values)


def counts(session: Session, queues: Collection[QueueKey] | None) -> Mapping[QueueKey, Counts]:
    """The sums of the tallies."""
    if queues is not None and not queues:
        return {}
    asked = (
        call("counts.all")
        if queues is None
        else call_each("counts.named", named(sorted(set(queues))))
    )
    [rows] = session.run(asked)
    zeros = dict.fromkeys(queues or (), Counts())
    return zeros | {QueueKey(*row[:2]): _counts(row[2:]) for row in rows}


def _counts(row: Row) -> Counts:
    words = [*(state.value for state in State), "deleted", "pushed"]
    return Counts(**dict(zip(words, row, strict=True)))


def oldest(session: Session, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
    """How long the first ready job of each queue has been ready."""
    if not queues:
        return {}
    [rows] = session.run(call_each("oldest", named(sorted(set(queues)))))
    return {QueueKey(domain, type): span(age) for domain, type, age in rows}


def ahead(
    session: Session, ids: Sequence[JobId], order: Order, *, most: int
) -> Sequence[int | None]:
    """How many come before each, all at one moment."""
    if not ids:
        return []
    [places] = session.run(
        call("transaction.begin_reading"),
        call_each("ahead.places", [{"id": id} for id in sorted(set(ids))]),
    )
    rows: list[Values] = [
        {"id": id, "queue": queue, "rank": rank, "most": most} for id, queue, rank in places
    ]
    found: dict[int, int] = {}
    for start in range(0, len(rows), MOST_AT_ONCE):
        some = rows[start : start + MOST_AT_ONCE]
        [counted] = session.run(call_each(f"ahead.{order.value}", some))
        found |= {id: min(count, most) for id, count in counted}
    session.run(call("transaction.commit"))
    return [found.get(id) for id in ids]
