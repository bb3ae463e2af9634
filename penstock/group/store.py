"""A store and what is done alike around every engine: ends sorted by their move, follow-ups, events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Claimed,
    Engine,
    Feature,
    Held,
    Pushed,
    Reclaimed,
    Release,
    Retry,
    Want,
)
from penstock.events import Event, Events, Kind
from penstock.group.pushes import Pushes
from penstock.job import CALLBACK_TYPE, Claim, FollowUp, JobId, Move, NewJob
from penstock.policy import Outcome, Policies, follow_ups, keep


@dataclass(frozen=True, slots=True)
class End:
    """A claim and the move it ends with."""

    claim: Claim
    outcome: Outcome


class Store:
    """A configured place where queues live: an engine, and what all engines share around it."""

    def __init__(
        self,
        name: str,
        engine: Engine,
        policies: Policies,
        events: Events,
        *,
        kind: str | None = None,
        partitions: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.engine = engine
        self.kind = kind  # of the engine, as the scheme of its URL names it
        self.partitions = frozenset(partitions)  # the stores that hold its jobs; none: itself does
        # A federation sends each push its own way.
        self._push = engine.push if partitions else Pushes(engine).push
        self._policies = policies
        self._events = events

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """The jobs are stored, all or none; told, but for conflicts, of which nothing has happened."""
        pushed = await self._push(jobs)
        for job, answer in zip(jobs, pushed, strict=True):
            if not answer.conflict:
                self._tell(_pushed_kind(answer), job, answer.id)
        return pushed

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """The worker holds what was found; told."""
        claimed = await self.engine.claim(wants, worker)
        for claim in claimed.claims:
            self._tell_of(Kind.CLAIMED, claim)
        return claimed

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """The worker holds those of the named jobs that were waiting; told."""
        claims = await self.engine.claim_ids(ids, ttl=ttl, worker=worker)
        for claim in claims:
            self._tell_of(Kind.CLAIMED, claim)
        return claims

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Expired claims are taken from their holders."""
        return await self.engine.reclaim(limit, ttl=ttl, worker=worker)

    async def finish(self, ends: Sequence[End]) -> Sequence[bool]:
        """Each claim has ended with its move and its follow-ups, or answers False: it was no longer held.

        One call of the engine for each kind of move; told. A retry or release of a job that is asked
        to cancel ends it cancelled.
        """
        held = [False] * len(ends)
        by_move: dict[Move, list[int]] = {}
        for index, end in enumerate(ends):
            by_move.setdefault(end.outcome.move, []).append(index)
        for move, indexes in by_move.items():
            kinds = await self._end(move, [ends[index] for index in indexes])
            for index, kind in zip(indexes, kinds, strict=True):
                self._tell_of(kind, ends[index].claim, ends[index].outcome.error)
                held[index] = kind is not Kind.LOST
        return held

    async def _end(self, move: Move, ends: Sequence[End]) -> Sequence[Kind]:
        """What has happened to each: the kind of its move, cancelled instead of it, or lost."""
        match move:
            case Move.ACK:
                acked = await self.engine.ack([self._ack(end) for end in ends])
                return [Kind.DONE if held else Kind.LOST for held in acked]
            case Move.BURY:
                buried = await self.engine.bury([self._bury(end) for end in ends])
                return [Kind.BURIED if held else Kind.LOST for held in buried]
            case Move.CANCEL:
                return await self._cancel_all(ends)
            case Move.RETRY:
                retried = await self.engine.retry([_retry(end) for end in ends])
                return await self._or_cancel(ends, Kind.RETRIED, retried)
            case Move.RELEASE:
                released = await self.engine.release([_release(end) for end in ends])
                return await self._or_cancel(ends, Kind.RELEASED, released)
        raise ValueError(f"{move} ends no claim")

    async def _cancel_all(self, ends: Sequence[End]) -> Sequence[Kind]:
        answers = await self.engine.cancel([self._cancel(end) for end in ends])
        return [
            Kind.CANCELLED if answer is CancelAnswer.CANCELLED else Kind.LOST for answer in answers
        ]

    async def _or_cancel(
        self, ends: Sequence[End], kind: Kind, held: Sequence[Held]
    ) -> Sequence[Kind]:
        asked = [
            _cancelled(end)
            for end, answer in zip(ends, held, strict=True)
            if answer is Held.CANCEL_ASKED
        ]
        cancelled = iter(await self._cancel_all(asked) if asked else ())
        moved = {Held.HELD: kind, Held.LOST: Kind.LOST}
        return [
            next(cancelled) if answer is Held.CANCEL_ASKED else moved[answer] for answer in held
        ]

    def _ack(self, end: End) -> Ack:
        return Ack(
            ref=end.claim.ref,
            result=end.outcome.result,
            keep=self._keep(end),
            follow_ups=self._follow_ups(end),
        )

    def _bury(self, end: End) -> Bury:
        return Bury(
            ref=end.claim.ref,
            error=end.outcome.error,
            result=end.outcome.result,
            keep=self._keep(end),
            follow_ups=self._follow_ups(end),
        )

    def _cancel(self, end: End) -> Cancel:
        return Cancel(
            id=end.claim.job.id,
            fence=end.claim.job.fence,
            error=end.outcome.error or None,
            result=end.outcome.result,
            keep=self._keep(end),
            follow_ups=self._follow_ups(end),
        )

    def _follow_ups(self, end: End) -> Sequence[FollowUp]:
        return follow_ups(end.claim.job, end.outcome, self._policies.of(CALLBACK_TYPE))

    def _keep(self, end: End) -> timedelta:
        return keep(self._policies.of(end.claim.job.type), end.outcome.move)

    def _tell_of(self, kind: Kind, claim: Claim, error: str = "") -> None:
        if self._events.heard:
            self._events.tell(Event(kind, self.name, claim.job.queue, claim.job.id, error or None))

    def _tell(self, kind: Kind, job: NewJob, id: JobId) -> None:
        if self._events.heard:
            self._events.tell(Event(kind, self.name, job.queue, id))


def is_atomic(store: Store) -> bool:
    """Whether a push of many to this store is all or none."""
    return Feature.ATOMIC in store.engine.features


def _pushed_kind(pushed: Pushed) -> Kind:
    if pushed.replayed:
        return Kind.REPLAYED
    return Kind.DEDUPLICATED if pushed.deduplicated else Kind.PUSHED


def _retry(end: End) -> Retry:
    return Retry(ref=end.claim.ref, after=end.outcome.after, error=end.outcome.error)


def _release(end: End) -> Release:
    return Release(ref=end.claim.ref, after=end.outcome.after)


def _cancelled(end: End) -> End:
    error = end.outcome.error or "cancelled while running"
    return End(end.claim, Outcome(move=Move.CANCEL, error=error))
