"""Upkeep: reclaim what nobody holds any more, promote what is due, purge what was kept long enough."""

from collections.abc import Sequence
from datetime import timedelta

from penstock.engine import Promoted, Reclaimed
from penstock.engines.sqlite.moves.claim import read_claims
from penstock.engines.sqlite.moves.places import (
    Entry,
    Taken,
    drop,
    enter,
    keep_errors,
    refs_as_json,
    tally_left,
)
from penstock.engines.sqlite.rows import storable
from penstock.engines.sqlite.times import later, span
from penstock.engines.sqlite.transaction import Transaction
from penstock.job import ClaimRef, JobId, State


def reclaim(tx: Transaction, asked: Sequence[tuple[int, timedelta, str]]) -> Sequence[Reclaimed]:
    """Take expired claims from their holders, for each who asked, one after the other."""
    return [_reclaim(tx, limit, ttl, worker) for limit, ttl, worker in asked]


def promote(tx: Transaction, limits: Sequence[int]) -> Sequence[Promoted]:
    """Ready the scheduled jobs that are due."""
    return [_promote(tx, limit) for limit in limits]


def purge(tx: Transaction, limits: Sequence[int]) -> Sequence[int]:
    """Delete what was kept long enough, and forget what was remembered long enough."""
    return [_purge(tx, limit) for limit in limits]


def _reclaim(tx: Transaction, limit: int, ttl: timedelta, worker: str) -> Reclaimed:
    expired = tx.run("reclaim.expired", now=tx.now, limit=limit)
    again = {id: (fence, holder) for id, fence, holder, may in expired if may}
    last = {id: fence for id, fence, _, may in expired if not may}
    _ready_again(tx, again)
    if last:
        until = later(tx.now, ttl)
        refs = _refs_as_json(last)
        tx.run("reclaim.hand_over", refs=refs, worker=worker, now=tx.now, until=until)
    return Reclaimed(len(again), read_claims(tx, last))


def _ready_again(tx: Transaction, expired: dict[int, tuple[int, str]]) -> None:
    if not expired:
        return
    refs = _refs_as_json({id: fence for id, (fence, _) in expired.items()})
    taken = tx.run("reclaim.take", refs=refs, now=tx.now)
    for _, queue, _, _ in taken:
        tx.tally(queue, State.CLAIMED, -1)
    enter(tx, [Entry(id, queue, tx.now, attempt, fence) for id, queue, attempt, fence in taken])
    keep_errors(
        tx,
        {
            id: f"lost: worker {storable(holder)!r} gave no sign of life"
            for id, (_, holder) in expired.items()
        },
    )


def _refs_as_json(fences: dict[int, int]) -> str:
    return refs_as_json([ClaimRef(JobId(id), fence) for id, fence in fences.items()])


def _promote(tx: Transaction, limit: int) -> Promoted:
    due = tx.run("promote.take", now=tx.now, limit=limit)
    for _, queue, _, _ in due:
        tx.tally(queue, State.SCHEDULED, -1)
    enter(tx, [Entry(id, queue, tx.now, attempt, fence) for id, queue, attempt, fence in due])
    [(next_at,)] = tx.run("promote.next")
    return Promoted(len(due), None if next_at is None else span(next_at - tx.now))


def _purge(tx: Transaction, limit: int) -> int:
    rows = tx.run("purge.take", now=tx.now, limit=limit)
    gone = [
        Taken(id=id, queue=queue, state=State(state), attempt=0, fence=0)
        for id, queue, state in rows
    ]
    tally_left(tx, gone)
    drop(tx, gone)
    tx.run("purge.roots", now=tx.now, limit=limit)
    tx.run("purge.keys", now=tx.now, limit=limit)
    tx.run("purge.presences", now=tx.now)
    return len(gone)
