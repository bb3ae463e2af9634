"""What people and runners do beside the moves: requeue, delete, pause, resume, announce, forget."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from penstock.engines.sqlite.moves.places import (
    Entry,
    Taken,
    drop,
    enter,
    in_rounds,
    keep_errors,
    take_errors,
    take_waiting,
    tally_left,
)
from penstock.engines.sqlite.rows import as_json
from penstock.engines.sqlite.times import later
from penstock.engines.sqlite.transaction import Transaction
from penstock.job import JobId, Presence, QueueKey, State


def requeue(tx: Transaction, ids: Sequence[JobId]) -> Sequence[bool]:
    """Ready the dead jobs."""
    return in_rounds(ids, _itself, lambda some: _requeue(tx, some))


def delete(tx: Transaction, ids: Sequence[JobId]) -> Sequence[bool]:
    """Remove the jobs that nobody holds."""
    return in_rounds(ids, _itself, lambda some: _delete(tx, some))


def pause(tx: Transaction, asked: Sequence[Collection[QueueKey]]) -> Sequence[None]:
    """Close the queues for claims."""
    for queues in asked:
        tx.run("pause", queues=as_json(tx.queues_made(queues).values()))
    return [None] * len(asked)


def resume(tx: Transaction, asked: Sequence[Collection[QueueKey]]) -> Sequence[None]:
    """Open the queues for claims, and wake whoever may want them."""
    for queues in asked:
        tx.run("resume", queues=as_json(tx.queues(queues).values()))
        tx.wake()
    return [None] * len(asked)


def announce(tx: Transaction, asked: Sequence[tuple[Presence, timedelta]]) -> Sequence[None]:
    """Show the runners for a while."""
    for presence, ttl in asked:
        tx.run(
            "announce",
            worker=presence.worker,
            slots=presence.slots,
            types=as_json(sorted(presence.types)),
            until=later(tx.now, ttl),
        )
    return [None] * len(asked)


def forget(tx: Transaction, workers: Sequence[str]) -> Sequence[int]:
    """Expire what the workers hold."""
    return [_forget(tx, worker) for worker in workers]


def _itself(id: JobId) -> JobId:
    return id


def _requeue(tx: Transaction, ids: Sequence[JobId]) -> Sequence[bool]:
    dead = {row[0]: row for row in tx.run("requeue", ids=as_json(ids))}
    keep_errors(tx, {id: error for id, _, _, error in dead.values() if error is not None})
    for _, queue, _, _ in dead.values():
        tx.tally(queue, State.DEAD, -1)
    enter(tx, [Entry(id, queue, tx.now, 0, fence) for id, queue, fence, _ in dead.values()])
    return [id in dead for id in ids]


def _delete(tx: Transaction, ids: Sequence[JobId]) -> Sequence[bool]:
    waiting = take_waiting(tx, ids)
    take_errors(tx, waiting.values())
    ended = {
        id: Taken(id=id, queue=queue, state=State(state), attempt=0, fence=0)
        for id, queue, state in tx.run("delete", ids=as_json(ids))
    }
    tally_left(tx, ended.values())
    drop(tx, [*waiting.values(), *ended.values()])
    return [id in waiting or id in ended for id in ids]


def _forget(tx: Transaction, worker: str) -> int:
    tx.run("forget.presence", worker=worker)
    return len(tx.run("forget.claims", worker=worker, now=tx.now))
