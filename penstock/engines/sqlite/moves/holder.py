"""What the holder of a claim may do: renew it, end the job, or give it back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Held, Pushed, Release, Renew, Retry
from penstock.engines.sqlite.moves.places import (
    Ending,
    Entry,
    Taken,
    end,
    enter,
    in_rounds,
    keep_errors,
    refs_as_json,
    take_claimed,
    take_errors,
    take_waiting,
)
from penstock.engines.sqlite.moves.push import Asked, push
from penstock.engines.sqlite.rows import Row, as_json, dump_follow_ups, dump_progress, storable
from penstock.engines.sqlite.times import later
from penstock.engines.sqlite.transaction import Transaction
from penstock.job import ClaimRef, FollowUpId, JobId, State


def renew(tx: Transaction, renewals: Sequence[Renew]) -> Sequence[Held]:
    """Prolong the claims that are held."""
    return in_rounds(renewals, lambda one: one.ref.id, lambda some: _renew(tx, some))


def ack(tx: Transaction, ends: Sequence[Ack]) -> Sequence[bool]:
    """End the jobs done, if they are held."""
    return in_rounds(ends, lambda one: one.ref.id, lambda some: _ack(tx, some))


def bury(tx: Transaction, ends: Sequence[Bury]) -> Sequence[bool]:
    """End the jobs dead, if they are held."""
    return in_rounds(ends, lambda one: one.ref.id, lambda some: _bury(tx, some))


def cancel(tx: Transaction, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
    """End the jobs cancelled, or ask whoever holds them."""
    if _may_meet(cancels):
        return [answer for one in cancels for answer in _cancel(tx, [one])]
    return in_rounds(cancels, lambda one: one.id, lambda some: _cancel(tx, some))


def retry(tx: Transaction, retries: Sequence[Retry]) -> Sequence[Held]:
    """Line the jobs up again, if they are held and nobody asked to cancel them."""
    return in_rounds(retries, lambda one: one.ref.id, lambda some: _retry(tx, some))


def release(tx: Transaction, releases: Sequence[Release]) -> Sequence[Held]:
    """Line the jobs up again as if they had not been claimed, but for the fence."""
    return in_rounds(releases, lambda one: one.ref.id, lambda some: _release(tx, some))


def _renew(tx: Transaction, renewals: Sequence[Renew]) -> Sequence[Held]:
    signs: list[Row] = [
        (one.ref.id, one.ref.fence, _until(tx, one.ttl), dump_progress(one.progress))
        for one in renewals
    ]
    held = {id: _HOW_HELD[asked] for id, asked in tx.run("renew", signs=as_json(signs))}
    return [held.get(one.ref.id, Held.LOST) for one in renewals]


_HOW_HELD = {0: Held.HELD, 1: Held.CANCEL_ASKED}


def _until(tx: Transaction, ttl: timedelta | None) -> int | None:
    return None if ttl is None else later(tx.now, ttl)


def _ack(tx: Transaction, ends: Sequence[Ack]) -> Sequence[bool]:
    taken = take_claimed(tx, "ack", [one.ref for one in ends])
    _end(tx, State.DONE, [(taken[one.ref.id], one) for one in ends if one.ref.id in taken])
    return [one.ref.id in taken for one in ends]


def _bury(tx: Transaction, ends: Sequence[Bury]) -> Sequence[bool]:
    taken = take_claimed(tx, "bury", [one.ref for one in ends])
    _end(tx, State.DEAD, [(taken[one.ref.id], one) for one in ends if one.ref.id in taken])
    return [one.ref.id in taken for one in ends]


def _may_meet(cancels: Sequence[Cancel]) -> bool:
    """Whether the follow-up of one may find its twin in another that is cancelled after it."""
    return any(after.job.dedupe_key for one in cancels for after in one.follow_ups)


def _cancel(tx: Transaction, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
    refs = [ClaimRef(one.id, one.fence) for one in cancels if one.fence is not None]
    others = [one.id for one in cancels if one.fence is None]
    taken = take_claimed(tx, "cancel.take", refs) | take_waiting(tx, others)
    _end(tx, State.CANCELLED, [(taken[one.id], one) for one in cancels if one.id in taken])
    asked = {id for (id,) in tx.run("cancel.ask", ids=as_json(others))}
    return [
        CancelAnswer.CANCELLED
        if one.id in taken
        else CancelAnswer.ASKED
        if one.id in asked
        else CancelAnswer.REFUSED
        for one in cancels
    ]


def _end(tx: Transaction, state: State, ends: Sequence[tuple[Taken, Ack | Bury | Cancel]]) -> None:
    """The jobs have ended and their follow-ups are pushed, in this commit."""
    if not ends:
        return
    errors = take_errors(tx, [taken for taken, _ in ends])
    asked = [Asked(taken.id, after.job) for taken, one in ends for after in one.follow_ups]
    pushed = iter(push(tx, asked))
    end(
        tx,
        [
            Ending(
                taken=taken,
                state=state,
                keep_until=later(tx.now, one.keep),
                result=storable(one.result),
                error=errors.get(taken.id) if isinstance(one, Ack) else storable(one.error),
                follow_ups=dump_follow_ups(_follow_ups(one, pushed)),
            )
            for taken, one in ends
        ],
    )


def _follow_ups(end: Ack | Bury | Cancel, pushed: Iterator[Pushed]) -> Sequence[FollowUpId]:
    answered = [(after.on, next(pushed)) for after in end.follow_ups]
    return [FollowUpId(on, answer.id) for on, answer in answered if not answer.conflict]


def _retry(tx: Transaction, retries: Sequence[Retry]) -> Sequence[Held]:
    refs = [one.ref for one in retries]
    moved = {row[0]: row for row in tx.run("retry.take", refs=refs_as_json(refs))}
    asked = {id for (id,) in tx.run("retry.asked", refs=refs_as_json(refs))}
    keep_errors(
        tx, {one.ref.id: storable(one.error) or "" for one in retries if one.ref.id in moved}
    )
    _give_back(tx, moved, {one.ref.id: one.after for one in retries})
    return [_how_held(one.ref.id, moved, asked) for one in retries]


def _release(tx: Transaction, releases: Sequence[Release]) -> Sequence[Held]:
    refs = [one.ref for one in releases]
    moved = {row[0]: row for row in tx.run("release.take", refs=refs_as_json(refs))}
    asked = {id for (id,) in tx.run("release.asked", refs=refs_as_json(refs))}
    _give_back(tx, moved, {one.ref.id: one.after for one in releases})
    return [_how_held(one.ref.id, moved, asked) for one in releases]


def _give_back(
    tx: Transaction,
    moved: Mapping[int, tuple[int, int, int, int]],
    after: Mapping[JobId, timedelta],
) -> None:
    for _, queue, _, _ in moved.values():
        tx.tally(queue, State.CLAIMED, -1)
    enter(
        tx,
        [
            Entry(id, queue, later(tx.now, after[JobId(id)]), attempt, fence)
            for id, queue, attempt, fence in moved.values()
        ],
    )


def _how_held(id: JobId, moved: Collection[int], asked: Collection[int]) -> Held:
    if id in moved:
        return Held.HELD
    return Held.CANCEL_ASKED if id in asked else Held.LOST
