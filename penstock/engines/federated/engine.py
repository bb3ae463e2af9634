# long: every verb of the seam, each a line or two that say whom it asks and how the answers become one
"""The seam over several stores: what names a job goes to its partition, the rest to those that can be reached."""

import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields, replace
from datetime import timedelta
from typing import TypeVar
from uuid import NAMESPACE_OID, uuid5

from penstock.engine import (
    Ack,
    Bury,
    Cancel,
    CancelAnswer,
    Claimed,
    Engine,
    Feature,
    Held,
    JobFilter,
    Promoted,
    Pushed,
    ReadyQueue,
    Reclaimed,
    Registration,
    Release,
    Renew,
    Retry,
    StoreIdentity,
    Want,
)
from penstock.engines.federated.listing import Listing
from penstock.engines.federated.partitions import Ask, Partition, Partitions
from penstock.engines.federated.push import push
from penstock.engines.federated.roots import nothing, of_ended, register_elsewhere
from penstock.engines.federated.turns import Turns
from penstock.engines.federated.waiting import Waiting
from penstock.job import Claim, Counts, Job, JobId, NewJob, Order, Presence, QueueKey

NO_NUMBER = -1  # of a federation: its partitions issue the ids
TRIES = 2

# A batch may lie in several partitions, and so may a queue.
_NEVER = frozenset({Feature.ATOMIC, Feature.ORDER})

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class FederatedEngine:
    """The partitions as one store. They may be worked on beside it: it keeps nothing that they do not know.

    A job is placed once and stays. Who cannot be reached is left out of what concerns others, and is left alone for
    5 s; what concerns its own jobs raises EngineUnavailable. ValueError where no partition takes new jobs.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        *,
        max_partitions_try: int = TRIES,
        now: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self._partitions = Partitions(partitions, now)
        self._chance = chance or random.Random()
        self._tries = max_partitions_try
        self._turns = Turns(self._partitions, self._chance)
        self._listing = Listing(self._partitions)
        self._waiting = Waiting(self._partitions)

    @property
    def features(self) -> frozenset[Feature]:
        """What all partitions promise that were reached yet, but for what holds within one only."""
        return self._partitions.promised - _NEVER

    @property
    def identity(self) -> StoreIdentity:
        """The uuid is made of those of the partitions; a federation has no number of its own."""
        uuids = sorted(engine.identity.uuid for engine in self._partitions.engines.values())
        return StoreIdentity(uuid=str(uuid5(NAMESPACE_OID, " ".join(uuids))), number=NO_NUMBER)

    async def open(self) -> None:
        """Every partition is open, but for those that may come later; EngineUnavailable where none is there.

        StoreMismatch where two have the same number.
        """
        for engine in self._partitions.engines.values():
            await engine.open()
        self._partitions.number_all()
        self._partitions.meet()

    async def close(self) -> None:
        """No partition is open any more, and nobody waits."""
        self._waiting.end()
        async with AsyncExitStack() as all_of_them:
            for engine in self._partitions.engines.values():
                all_of_them.push_async_callback(engine.close)

    # push

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """Store each job in one partition, all of the same key in the same; another where that cannot be reached.

        Not all or none: after an error some may be stored.
        """
        return await push(self._partitions, jobs, tries=self._tries, chance=self._chance)

    async def register(self, registrations: Sequence[Registration]) -> None:
        """Remember the roots everywhere; in a partition that cannot be reached once it can."""
        for name in self._partitions.names:
            self._partitions.missed(name).register(registrations)
        await self._partitions.ask_live(nothing)

    # claim

    async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
        """Claim from one partition after the other, beginning with another one each time."""
        return await self._turns.claim(wants, worker)

    async def claim_ids(
        self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
    ) -> Sequence[Claim]:
        """Claim those of the partitions that can be reached; EngineUnavailable where none of theirs can."""

        def asking(mine: Sequence[JobId]) -> Ask[Sequence[Claim]]:
            return lambda engine: engine.claim_ids(mine, ttl=ttl, worker=worker)

        homes = self._homes(ids)
        if not homes:
            return []
        replies = await self._partitions.ask(
            {name: asking([ids[place] for place in places]) for name, places in homes.items()}
        )
        claims = {claim.job.id: claim for some in replies.some().values() for claim in some}
        return [claims[id] for id in dict.fromkeys(ids) if id in claims]

    # what the holder of a claim may do

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        """Prolong the claims that are held."""
        ids = [one.ref.id for one in renewals]
        return await self._at_home(renewals, ids, lambda at, mine: at.renew(mine), Held.LOST)

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        """End the jobs done, if they are held; their follow-ups are pushed where they lie."""
        ids = [one.ref.id for one in ends]
        held = await self._at_home(ends, ids, lambda at, mine: at.ack(mine), False)
        await register_elsewhere(self._partitions, list(of_ended(ends, held)))
        return held

    async def bury(self, ends: Sequence[Bury]) -> Sequence[bool]:
        """End the jobs dead, if they are held; their follow-ups are pushed where they lie."""
        ids = [one.ref.id for one in ends]
        held = await self._at_home(ends, ids, lambda at, mine: at.bury(mine), False)
        await register_elsewhere(self._partitions, list(of_ended(ends, held)))
        return held

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        """End the jobs cancelled, or ask whoever holds them."""
        ids = [one.id for one in cancels]
        refused = CancelAnswer.REFUSED
        answers = await self._at_home(cancels, ids, lambda at, mine: at.cancel(mine), refused)
        await register_elsewhere(self._partitions, list(of_ended(cancels, answers)))
        return answers

    async def retry(self, retries: Sequence[Retry]) -> Sequence[Held]:
        """Line the jobs up again, if they are held and nobody asked to cancel them."""
        ids = [one.ref.id for one in retries]
        return await self._at_home(retries, ids, lambda at, mine: at.retry(mine), Held.LOST)

    async def release(self, releases: Sequence[Release]) -> Sequence[Held]:
        """Line the jobs up again as if they had not been claimed, but for the fence."""
        ids = [one.ref.id for one in releases]
        return await self._at_home(releases, ids, lambda at, mine: at.release(mine), Held.LOST)

    # upkeep

    async def reclaim(self, limit: int, *, ttl: timedelta, worker: str) -> Reclaimed:
        """Take expired claims from one partition after the other."""
        return await self._turns.reclaim(limit, ttl=ttl, worker=worker)

    async def promote(self, limit: int) -> Promoted:
        """Ready what is due in one partition after the other, the earliest of each first."""
        return await self._turns.promote(limit)

    async def purge(self, limit: int) -> int:
        """Delete what was kept long enough, from one partition after the other."""
        return await self._turns.purge(limit)

    # reading

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        """The queues worth a claim anywhere, each with the highest priority that a partition has."""
        found = await self._some(lambda at: at.ready(types, domains, limit=limit))
        heads: dict[QueueKey, int] = {}
        for one in [one for some in found for one in some]:
            heads[one.queue] = max(one.priority, heads.get(one.queue, one.priority))
        queues = [ReadyQueue(queue=queue, priority=head) for queue, head in heads.items()]
        queues.sort(key=lambda one: (-one.priority, self._chance.random()))
        return queues[:limit]

    async def wait(self, timeout: timedelta) -> bool:
        """True once a job may have become ready in a partition that can be reached."""
        return await self._waiting.wait(timeout)

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        """The jobs as they stand."""
        return await self._at_home(ids, ids, lambda at, mine: at.get(mine), None)

    async def list(
        self, which: JobFilter, *, limit: int, after: JobId | None = None
    ) -> Sequence[Job]:
        """The jobs that match, those pushed last first, whatever their ids."""
        return await self._listing.page(which, limit=limit, after=after)

    async def counts(self, queues: Collection[QueueKey] | None = None) -> Mapping[QueueKey, Counts]:
        """The sums of what the partitions count, each at its own moment."""
        found = await self._some(lambda at: at.counts(queues))
        sums: dict[QueueKey, Counts] = {}
        for queue, counts in [each for one in found for each in one.items()]:
            sums[queue] = _sum(sums[queue], counts) if queue in sums else counts
        return sums

    async def oldest(self, queues: Collection[QueueKey]) -> Mapping[QueueKey, timedelta]:
        """The longest of what the partitions tell."""
        found = await self._some(lambda at: at.oldest(queues))
        longest: dict[QueueKey, timedelta] = {}
        for queue, age in [each for one in found for each in one.items()]:
            longest[queue] = max(age, longest.get(queue, age))
        return longest

    async def ahead(self, ids: Sequence[JobId], order: Order, *, most: int) -> Sequence[int | None]:
        """Count the ready jobs before each in its partition."""

        def ask(at: Engine, mine: Sequence[JobId]) -> Awaitable[Sequence[int | None]]:
            return at.ahead(mine, order, most=most)

        return await self._at_home(ids, ids, ask, None)

    # control

    async def requeue(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Ready the dead jobs."""
        return await self._at_home(ids, ids, lambda at, mine: at.requeue(mine), False)

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        """Remove the jobs that nobody holds."""
        return await self._at_home(ids, ids, lambda at, mine: at.delete(mine), False)

    async def pause(self, queues: Collection[QueueKey]) -> None:
        """Close the queues in each partition; EngineUnavailable where one cannot be told before it is back."""
        for name in self._partitions.names:
            self._partitions.missed(name).pause(queues)
        (await self._partitions.ask_all(nothing)).every()

    async def resume(self, queues: Collection[QueueKey]) -> None:
        """Open the queues in each partition; EngineUnavailable as for pause."""
        for name in self._partitions.names:
            self._partitions.missed(name).resume(queues)
        (await self._partitions.ask_all(nothing)).every()

    async def paused(self) -> frozenset[QueueKey]:
        """The queues that are closed in any partition."""
        return frozenset().union(*await self._some(lambda at: at.paused()))

    # presence

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        """Show the runner in each partition."""
        await self._some(lambda at: at.announce(presence, ttl))

    async def forget(self, worker: str) -> int:
        """Expire what the worker holds anywhere; what cannot be reached expires by itself."""
        return sum(await self._some(lambda at: at.forget(worker)))

    async def workers(self) -> Sequence[Presence]:
        """The runners that are shown in any partition, with all types that they take anywhere."""
        known: dict[str, Presence] = {}
        for one in [one for some in await self._some(lambda at: at.workers()) for one in some]:
            other = known.get(one.worker, one)
            slots = max(one.slots, other.slots)
            known[one.worker] = replace(one, slots=slots, types=one.types | other.types)
        return list(known.values())

    async def _some(self, ask: Ask[_Answer]) -> Collection[_Answer]:
        """What those answer that can be reached."""
        return (await self._partitions.ask_live(ask)).some().values()

    async def _at_home(
        self,
        items: Sequence[_Item],
        ids: Sequence[JobId],
        ask: Callable[[Engine, Sequence[_Item]], Awaitable[Sequence[_Answer]]],
        strange: _Answer,
    ) -> Sequence[_Answer]:
        """Each item answered in its place by the partition of its id; what none has issued is a stranger.

        Raises where one of them did not answer; what the others were asked has happened.
        """

        def asking(mine: Sequence[_Item]) -> Ask[Sequence[_Answer]]:
            return lambda engine: ask(engine, mine)

        homes = self._homes(ids)
        replies = await self._partitions.ask(
            {name: asking([items[place] for place in places]) for name, places in homes.items()}
        )
        answers = dict.fromkeys(range(len(items)), strange)
        for name, found in replies.every().items():
            answers.update(zip(homes[name], found, strict=True))
        return [*answers.values()]

    def _homes(self, ids: Sequence[JobId]) -> Mapping[str, Sequence[int]]:
        """The places of the ids that each partition has issued."""
        homes: dict[str, list[int]] = {}
        for place, id in enumerate(ids):
            home = self._partitions.home(id)
            if home is not None:
                homes.setdefault(home, []).append(place)
        return homes


def _sum(one: Counts, other: Counts) -> Counts:
    names = [field.name for field in fields(Counts)]
    return Counts(**{name: getattr(one, name) + getattr(other, name) for name in names})
