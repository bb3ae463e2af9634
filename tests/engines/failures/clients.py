"""Clients of a store that comes and goes, and what was answered to them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from penstock.conformance.builders import OTHER, claims, job, key, want
from penstock.conformance.stories import then
from penstock.engine import Ack, Engine
from penstock.errors import EngineUnavailable
from penstock.job import ClaimRef, JobId, NewJob, On

TTL = timedelta(seconds=1)
BATCH = 5
PAUSE = 0.01  # seconds between two tries of a client whose store is away, or has nothing
MANY_ATTEMPTS = 1000


@dataclass
class Record:
    """What was answered, to anybody."""

    pushed: dict[str, JobId] = field(default_factory=dict)
    given: list[ClaimRef] = field(default_factory=list)
    acked: list[ClaimRef] = field(default_factory=list)
    away: int = 0  # calls that were told that the store is

    @property
    def answers(self) -> int:
        """How many there were."""
        return len(self.pushed) + len(self.given) + len(self.acked)

    def hear(self, line: str) -> None:
        """Another process has said this."""
        match line.split("\t"):
            case "pushed", name, id:
                self.pushed[name] = JobId(int(id))
            case "given", id, fence:
                self.given.append(ClaimRef(JobId(int(id)), int(fence)))
            case "acked", id, fence:
                self.acked.append(ClaimRef(JobId(int(id)), int(fence)))
            case ("away",):
                self.away += 1
            case _:
                raise AssertionError(f"a child failed: {line}")


class Client:
    """One process's tasks on the store, until it is stopped; every answer is told, a line each."""

    def __init__(self, engine: Engine, who: str, say: Callable[[str], None]) -> None:
        self._engine = engine
        self._who = who
        self._say = say
        self._stopping = False

    def stop(self) -> None:
        """Every task ends with what it does now."""
        self._stopping = True

    async def work(self) -> None:
        """Push in all ways, claim, ack and reclaim."""
        async with asyncio.TaskGroup() as tasks:
            for task in (self.push_one, self.push_batch, self.push_keyed, self.run, self.run):
                tasks.create_task(self._go_on(task))
            tasks.create_task(self._go_on(self._reclaim))

    async def _go_on(self, turn: Callable[[int], Awaitable[None]]) -> None:
        number = 0
        while not self._stopping:
            number += 1
            try:
                await turn(number)
            except EngineUnavailable:
                await self._be_patient()

    async def push_one(self, number: int) -> None:
        """One job."""
        await self._push([self._new(f"one {number}")])

    async def push_batch(self, number: int) -> None:
        """Several, all or none."""
        await self._push([self._new(f"batch {number} {item}") for item in range(BATCH)])

    async def push_keyed(self, number: int) -> None:
        """Repeated with the same key until it is answered."""
        named = f"keyed {number}"
        new = [
            replace(
                self._new(f"{named} {item}"), idempotency=key(f"{self._who} {named}", item=item)
            )
            for item in range(BATCH)
        ]
        while not await self._is_answered(new) and not self._stopping:
            await self._be_patient()

    async def _is_answered(self, new: Sequence[NewJob]) -> bool:
        try:
            await self._push(new)
        except EngineUnavailable:
            return False
        return True

    async def _push(self, new: Sequence[NewJob]) -> None:
        answers = await self._engine.push(new)
        for one, pushed in zip(new, answers, strict=True):
            self._say(f"pushed\t{one.params}\t{pushed.id}")

    async def run(self, _: int = 0) -> None:
        """Claim, and ack with a follow-up that names the job."""
        given = await claims(self._engine, want(limit=20, ttl=TTL), worker=self._who)
        for held in given:
            self._say(f"given\t{held.ref.id}\t{held.ref.fence}")
        if not given:
            await asyncio.sleep(PAUSE)
            return
        acks = [
            Ack(ref=held.ref, follow_ups=then(On.DONE, job(f"after {held.job.id}", queue=OTHER)))
            for held in given
        ]
        for held, was_held in zip(given, await self._engine.ack(acks), strict=True):
            if was_held:
                self._say(f"acked\t{held.ref.id}\t{held.ref.fence}")

    async def _reclaim(self, _: int) -> None:
        await self._engine.reclaim(100, ttl=TTL, worker=self._who)
        await asyncio.sleep(PAUSE)

    async def _be_patient(self) -> None:
        self._say("away")
        await asyncio.sleep(PAUSE)

    def _new(self, name: str) -> NewJob:
        return job(f"{self._who} {name}", max_attempts=MANY_ATTEMPTS)
