"""Limits that several partitions share: one is asked after the other for what is left, another one first each time."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from penstock.engine import Claimed, Promoted, Reclaimed, Want
from penstock.engines.federated.partitions import Ask, Partitions, Replies, T
from penstock.errors import EngineError
from penstock.job import Claim, JobId, Order


class Turns:
    """Asks the partitions that can be reached. Raises EngineUnavailable only where none of them answered."""

    def __init__(self, partitions: Partitions, chance: Random) -> None:
        self._partitions = partitions
        # Not all at the same one: many short runs would leave the others for last.
        self._turn = chance.randrange(len(partitions.names))

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claims in the order of the wants; those of a want in the order of its queue, as far as they were found."""
        given: list[list[Claim]] = [[] for _ in wants]
        superseded = 0

        def ask() -> Ask[Claimed] | None:
            left = [one for one in map(_left, wants, given) if one.limit > 0]
            return (lambda engine: engine.claim(left, worker)) if left else None

        async for claimed in self._answers(ask):
            superseded += claimed.superseded
            for claim in claimed.claims:
                given[_wanted_by(wants, given, claim)].append(claim)
        for want, claims in zip(wants, given, strict=True):
            if want.order is not Order.RANDOM:
                claims.sort(key=_by_priority if want.order is Order.PRIORITY else _by_age)
        return Claimed([claim for claims in given for claim in claims], superseded)

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Expired claims, at most `limit` of all partitions together."""
        readied = 0
        last: list[Claim] = []

        def ask() -> Ask[Reclaimed] | None:
            left = limit - readied - len(last)
            return (lambda engine: engine.reclaim(left, ttl=ttl, worker=worker)) if left else None

        async for reclaimed in self._answers(ask):
            readied += reclaimed.readied
            last += reclaimed.last
        return Reclaimed(readied, last)

    async def promote(self, limit: int) -> Promoted:
        """Due jobs, at most `limit` of all partitions together; each tells what comes next, if only that."""
        promoted: list[Promoted] = []

        def ask() -> Ask[Promoted]:
            left = limit - sum(one.count for one in promoted)
            return lambda engine: engine.promote(left)

        async for one in self._answers(ask):
            promoted.append(one)
        waits = [one.next_in for one in promoted if one.next_in is not None]
        return Promoted(sum(one.count for one in promoted), min(waits, default=None))

    async def purge(self, limit: int) -> int:
        """Old jobs, at most `limit` of all partitions together."""
        purged = 0

        def ask() -> Ask[int] | None:
            left = limit - purged
            return (lambda engine: engine.purge(left)) if left else None

        async for one in self._answers(ask):
            purged += one
        return purged

    async def _answers(self, ask: Callable[[], Ask[T] | None]) -> AsyncIterator[T]:
        """What one partition after the other answers, until nothing more is asked for."""
        troubles: dict[str, EngineError] = {}
        answered = False
        for name in self._in_turn():
            asking = ask()
            if asking is None:
                return
            replies = await self._partitions.ask({name: asking})
            troubles |= replies.troubles
            for answer in replies.answers.values():
                answered = True
                yield answer
        if not answered:
            silent: Replies[T] = Replies({}, troubles)
            silent.some()

    def _in_turn(self) -> Sequence[str]:
        live = self._partitions.live
        self._turn += 1
        first = self._turn % len(live) if live else 0
        return [*live[first:], *live[:first]]


def _left(want: Want, given: Sequence[Claim]) -> Want:
    return replace(want, limit=want.limit - len(given)) if given else want


def _wanted_by(wants: Sequence[Want], given: Sequence[Sequence[Claim]], claim: Claim) -> int:
    """The place of the want that this claim answers."""
    answered = (
        place
        for place, want in enumerate(wants)
        if want.queue == claim.job.queue
        and want.floor <= claim.job.priority
        and len(given[place]) < want.limit
    )
    return next(answered)


def _by_priority(claim: Claim) -> tuple[int, datetime, JobId]:
    return -claim.job.priority, claim.job.pushed_at, claim.job.id


def _by_age(claim: Claim) -> tuple[datetime, JobId]:
    return claim.job.pushed_at, claim.job.id
