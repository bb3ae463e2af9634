"""Claim: hold what is ready, and end what is superseded on the way."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

from penstock.engine import WHOLE_BATCH, Claimed, Want
from penstock.engines.sqlite.moves.places import (
    Ending,
    Taken,
    end,
    hold,
    leave_keys,
    take_waiting,
    tally_left,
)
from penstock.engines.sqlite.rows import as_json, claim_of
from penstock.engines.sqlite.times import later
from penstock.engines.sqlite.transaction import Transaction
from penstock.job import Claim, JobId, State

# After a look that found superseded jobs, the next one reads so many times as far.
_FURTHER = 4


class _Picked(NamedTuple):
    """A ready job, as it stands in its queue."""

    id: int
    rank: int
    attempt: int
    fence: int


def claim(tx: Transaction, asked: Sequence[tuple[Sequence[Want], str]]) -> Sequence[Claimed]:
    """Claim for each who asked, one after the other."""
    return [_claim(tx, wants, worker) for wants, worker in asked]


def claim_ids(
    tx: Transaction, asked: Sequence[tuple[Sequence[JobId], timedelta, str]]
) -> Sequence[Sequence[Claim]]:
    """Claim the named jobs as far as they are waiting, for each who asked, one after the other."""
    return [_claim_ids(tx, ids, ttl, worker) for ids, ttl, worker in asked]


def read_claims(tx: Transaction, ids: Collection[int]) -> Sequence[Claim]:
    """The claims of the jobs, which are claimed, in the order of the ids."""
    if not ids:
        return []
    claims = {row[0]: claim_of(row) for row in tx.run("get", ids=as_json(ids))}
    return [claims[id] for id in ids if id in claims]


def _claim(tx: Transaction, wants: Sequence[Want], worker: str) -> Claimed:
    queues = tx.queues({want.queue for want in wants})
    held: list[int] = []
    superseded = 0
    for want in wants:
        if want.queue in queues:
            fresh, stale = _serve(tx, want, queues[want.queue], worker, WHOLE_BATCH - superseded)
            held += fresh
            superseded += stale
    return Claimed(read_claims(tx, held), superseded)


def _claim_ids(
    tx: Transaction, ids: Sequence[JobId], ttl: timedelta, worker: str
) -> Sequence[Claim]:
    taken = take_waiting(tx, ids)
    held = list(dict.fromkeys(id for id in ids if id in taken))
    hold(tx, "claim_ids", [taken[id] for id in held], worker, later(tx.now, ttl))
    return read_claims(tx, held)


def _serve(
    tx: Transaction, want: Want, queue: int, worker: str, patience: int
) -> tuple[Sequence[int], int]:
    """The jobs that are held now, and how many ended superseded, at most `patience`."""
    held: list[int] = []
    superseded = 0
    look = want.limit
    while len(held) < want.limit:
        picked = _pick(tx, want, queue, look)
        fresh, stale = _sorted_out(tx, picked, want.limit - len(held), patience - superseded)
        hold(tx, "claim.hold", _take(tx, queue, fresh), worker, later(tx.now, want.ttl))
        _supersede(tx, want, _take(tx, queue, stale))
        held += [job.id for job in fresh]
        superseded += len(stale)
        if not stale:
            break
        look = min(look * _FURTHER, WHOLE_BATCH)
    return held, superseded


def _pick(tx: Transaction, want: Want, queue: int, limit: int) -> Sequence[_Picked]:
    rows = tx.run(f"claim.{want.order}", queue=queue, floor=want.floor, limit=limit)
    return [_Picked(*row) for row in rows]


def _sorted_out(
    tx: Transaction, picked: Sequence[_Picked], limit: int, patience: int
) -> tuple[Sequence[_Picked], Sequence[_Picked]]:
    """The next jobs to claim, and the superseded ones that stand before them."""
    superseded = _superseded(tx, picked)
    fresh: list[_Picked] = []
    stale: list[_Picked] = []
    for job in picked:
        if len(fresh) == limit:
            break
        if job.id not in superseded:
            fresh.append(job)
        elif len(stale) < patience:
            stale.append(job)
        else:
            break
    return fresh, stale


def _superseded(tx: Transaction, picked: Sequence[_Picked]) -> Collection[int]:
    never_claimed = [job.id for job in picked if job.fence == 0]
    if not never_claimed:
        return ()
    return {id for (id,) in tx.run("claim.superseded", ids=as_json(never_claimed), now=tx.now)}


def _take(tx: Transaction, queue: int, picked: Sequence[_Picked]) -> Sequence[Taken]:
    """The jobs, out of ready, by what stands there: what stands in their own rows may be spoilt."""
    if not picked:
        return []
    tx.run("claim.take", queue=queue, picked=as_json(picked))
    taken = [
        Taken(id=id, queue=queue, state=State.READY, attempt=attempt, fence=fence)
        for id, _, attempt, fence in picked
    ]
    tally_left(tx, taken)
    leave_keys(tx, taken)
    return taken


def _supersede(tx: Transaction, want: Want, taken: Sequence[Taken]) -> None:
    if taken:
        until = later(tx.now, want.keep)
        end(tx, [Ending(taken=row, state=State.SUPERSEDED, keep_until=until) for row in taken])
