"""What is read, on a connection of its own that never waits for a writer."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import msgspec

from penstock.engine import JobFilter, ReadyQueue
from penstock.engines.sqlite.connection import Connection
from penstock.engines.sqlite.rows import as_json, job_of
from penstock.engines.sqlite.times import span
from penstock.job import Counts, Job, JobId, Order, Presence, QueueKey, State

_NO_ID = 2**63 - 1
_COUNTED = tuple(Counts.__dataclass_fields__)


def ready(
    connection: Connection, types: Collection[str], domains: Collection[str] | None, limit: int
) -> Sequence[ReadyQueue]:
    """The queues worth a claim."""
    rows = connection.run(
        "ready",
        types=as_json(types),
        domains=None if domains is None else as_json(domains),
        limit=limit,
    )
    return [
        ReadyQueue(queue=QueueKey(domain, type), priority=first) for domain, type, first in rows
    ]


def wakes(connection: Connection) -> int:
    """How often a job may have become ready."""
    [(count,)] = connection.run("wait")
    return int(count)


def get(connection: Connection, ids: Sequence[JobId]) -> Sequence[Job | None]:
    """The jobs as they stand, each in its place."""
    found = {row[0]: job_of(row) for row in connection.run("get", ids=as_json(ids))}
    return [found.get(id) for id in ids]


def list_jobs(
    connection: Connection, which: JobFilter, limit: int, after: JobId | None
) -> Sequence[Job]:
    """The jobs that match, highest id first, all from one moment."""
    before = _NO_ID if after is None else after
    with connection.snapshot():
        ids = sorted(_ids(connection, which, limit, before), reverse=True)[:limit]
        return [job for job in get(connection, ids) if job is not None]


def counts(
    connection: Connection, queues: Collection[QueueKey] | None
) -> Mapping[QueueKey, Counts]:
    """The counts of these queues, or of all."""
    rows = (
        connection.run("counts.all")
        if queues is None
        else connection.run("counts.some", queues=_names(queues))
    )
    found = {
        QueueKey(domain, type): Counts(**dict(zip(_COUNTED, numbers, strict=True)))
        for domain, type, *numbers in rows
    }
    return found if queues is None else {queue: found.get(queue, Counts()) for queue in queues}


def oldest(
    connection: Connection, queues: Collection[QueueKey], host_now: int
) -> Mapping[QueueKey, timedelta]:
    """How long the first ready job of each queue has been ready."""
    rows = connection.run("oldest", queues=_names(queues), host_now=host_now)
    return {QueueKey(domain, type): span(age) for domain, type, age in rows}


def ahead(
    connection: Connection, ids: Sequence[JobId], order: Order, most: int
) -> Sequence[int | None]:
    """How many ready jobs come before each."""
    found: dict[JobId, int] = dict(connection.run(f"ahead.{order}", ids=as_json(ids), most=most))
    return [found.get(id) for id in ids]


def paused(connection: Connection) -> frozenset[QueueKey]:
    """The queues closed for claims."""
    return frozenset(QueueKey(domain, type) for domain, type in connection.run("paused"))


def workers(connection: Connection, host_now: int) -> Sequence[Presence]:
    """The runners whose time has not run out."""
    return [
        Presence(worker=worker, slots=slots, types=msgspec.json.decode(types, type=frozenset[str]))
        for worker, slots, types in connection.run("workers", host_now=host_now)
    ]


def _ids(connection: Connection, which: JobFilter, limit: int, before: int) -> Sequence[JobId]:
    if which == JobFilter():
        return _first_column(connection.run("list.all", before=before, limit=limit))
    queues = connection.run("list.queues", domain=which.domain, type=which.type)
    wanted = as_json([id for (id,) in queues])
    states = State if which.state is None else (which.state,)
    return [
        id
        for state in states
        for id in _ids_in(connection, state, queues=wanted, before=before, limit=limit)
    ]


def _ids_in(
    connection: Connection, state: State, *, queues: str, before: int, limit: int
) -> Sequence[JobId]:
    if state.ended:
        rows = connection.run(
            "list.finished", state=state, queues=queues, before=before, limit=limit
        )
    else:
        rows = connection.run(f"list.{state}", queues=queues, before=before, limit=limit)
    return _first_column(rows)


def _first_column(rows: Sequence[tuple[int]]) -> Sequence[JobId]:
    return [JobId(id) for (id,) in rows]


def _names(queues: Collection[QueueKey]) -> str:
    return as_json([(queue.domain, queue.type) for queue in queues])
