"""What people do to jobs and queues, and how runners show themselves."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import msgspec

from penstock.engines.mariadb.moves.claim import BEGIN, naming_ids
from penstock.engines.mariadb.moves.queues import named
from penstock.engines.mariadb.session import Rows, Session
from penstock.engines.mariadb.statements import call, call_each
from penstock.engines.mariadb.times import duration
from penstock.job import JobId, Presence, QueueKey

_types = msgspec.json.Decoder(frozenset[str])


def requeue(session: Session, ids: Sequence[JobId]) -> Sequence[bool]:
    """Dead jobs wait again."""
    if not ids:
        return []
    [rows] = session.run(
        *BEGIN,
        *naming_ids(ids),
        call("look.finished"),
        call("requeue.dead"),
        call("requeue.ready"),
        call("enter.ready"),
        call("leave.finished"),
        call("requeue.unsay"),
        call("transaction.tally"),
        call("requeue.gone"),
        call("transaction.wake_if_ready"),
        call("transaction.commit"),
    )
    return _first_of_each(rows, ids)


def delete(session: Session, ids: Sequence[JobId]) -> Sequence[bool]:
    """The jobs are gone that nobody held."""
    if not ids:
        return []
    [rows] = session.run(
        *BEGIN,
        *naming_ids(ids),
        call("look.scheduled"),
        call("look.ready"),
        call("look.finished"),
        call("delete.all"),
        call("leave.scheduled"),
        call("leave.ready"),
        call("leave.finished"),
        call("leave.twin"),
        call("leave.store"),
        call("transaction.tally"),
        call("delete.gone"),
        call("transaction.commit"),
    )
    return _first_of_each(rows, ids)


def pause(session: Session, queues: Collection[QueueKey]) -> None:
    """No claim is given from the queues."""
    if queues:
        session.run(call_each("pause", named(sorted(set(queues)))))


def resume(session: Session, queues: Collection[QueueKey]) -> None:
    """Claims are given from the queues."""
    if queues:
        session.run(
            call_each("resume", named(sorted(set(queues)))),
            call("transaction.wake"),
        )


def paused(session: Session) -> frozenset[QueueKey]:
    """The queues that are closed for claims."""
    [rows] = session.run(call("paused"))
    return frozenset(QueueKey(domain, type) for domain, type in rows)


def announce(session: Session, presence: Presence, ttl: timedelta) -> None:
    """The runner is among the live ones."""
    session.run(
        call("transaction.clock"),
        call(
            "announce",
            worker=presence.worker,
            slots=presence.slots,
            types=msgspec.json.encode(sorted(presence.types)).decode(),
            ttl=duration(ttl),
        ),
    )


def forget(session: Session, worker: str) -> int:
    """How many claims the worker held; they are past their time now."""
    [held] = session.run(
        call("transaction.begin"),
        call("transaction.clock"),
        call("forget.presence", worker=worker),
        call("forget.claims", worker=worker),
    )
    expiring = [call_each("forget.expire", [{"id": id} for [id] in held], worker=worker)]
    session.run(*(expiring if held else []), call("transaction.commit"))
    return len(held)


def workers(session: Session) -> Sequence[Presence]:
    """The runners whose time has not run out."""
    [rows] = session.run(call("workers"))
    return [
        Presence(worker=worker, slots=slots, types=_types.decode(types))
        for worker, slots, types in rows
    ]


def _first_of_each(rows: Rows, ids: Sequence[JobId]) -> list[bool]:
    """True where an id that was moved is named first: the second time there was nothing left to move."""
    moved = {id for [id] in rows}
    first = {id: place for place, id in reversed(list(enumerate(ids)))}
    return [id in moved and first[id] == place for place, id in enumerate(ids)]
