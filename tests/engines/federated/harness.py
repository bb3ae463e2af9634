"""What the conformance suite needs around a federation: the same around each of its partitions."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from penstock.clock import ManualClock
from penstock.conformance.harness import Harness
from penstock.engine import Engine, Pushed
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.memory import MemoryEngine
from penstock.job import JobId, NewJob, store_number
from tests.engines.memory_harness import MemoryHarness

NAMES = ("east", "west", "north")


class FederatedHarness:
    """A federation over the engines of these harnesses, each with a number of its own, all of one weight."""

    def __init__(
        self, parts: Sequence[Harness], *, seed: str, aged: Sequence[Harness] | None = None
    ) -> None:
        """Chance places jobs alike wherever the seed is the same; of parts that share a clock, only some are aged."""
        self.parts = parts
        self._aged = parts if aged is None else aged
        self._chance = Random(seed)
        self.engine: Engine = self._federation([part.engine for part in parts])
        self._others: list[Engine] = []

    async def age(self, duration: timedelta) -> None:
        """Everything stored in every partition lies further back."""
        for part in self._aged:
            await part.age(duration)

    async def crash(self) -> None:
        """Every partition was lost, and so was what stood before them."""
        for part in self.parts:
            await part.crash()
        await self._renew()

    async def reopen(self) -> None:
        """Every partition was closed in good order."""
        await self.engine.close()
        for part in self.parts:
            await part.reopen()
        await self._renew()

    async def second(self) -> Engine:
        """Another federation over second engines, as another process has them."""
        engine = self._federation([await part.second() for part in self.parts])
        self._others.append(engine)
        await engine.open()
        return engine

    async def close(self) -> None:
        """No engine of it is open."""
        for engine in (self.engine, *self._others):
            await engine.close()

    async def spoil(self, id: JobId) -> None:
        """The job is spoiled where it lies."""
        for part in self.parts:
            if part.engine.identity.number == store_number(id):
                await part.spoil(id)

    async def _renew(self) -> None:
        self.engine = self._federation([part.engine for part in self.parts])
        await self.engine.open()

    def _federation(self, engines: Sequence[Engine]) -> FederatedEngine:
        """A federation over these engines, not open yet."""
        return FederatedEngine(
            [
                Partition(name=name, engine=engine, weight=1)
                for name, engine in zip(NAMES, engines, strict=False)
            ],
            chance=self._chance,
        )


class Creeping(MemoryEngine):
    """A store whose clock goes on with each push, so that those into different partitions have an order."""

    async def push(self, jobs: Sequence[NewJob]) -> Sequence[Pushed]:
        """A microsecond after the last one."""
        assert isinstance(self._clock, ManualClock)
        self._clock.tick(timedelta(microseconds=1))
        return await super().push(jobs)


def in_memory(
    partitions: int, kind: type[MemoryEngine] = MemoryEngine, *, seed: str = ""
) -> FederatedHarness:
    """A federation over so many stores in memory, on one clock."""
    clock = ManualClock()
    creeping = type(kind.__name__, (Creeping, kind), {})
    parts = [MemoryHarness(creeping, number=number, clock=clock) for number in range(partitions)]
    return FederatedHarness(parts, seed=seed, aged=parts[:1])
