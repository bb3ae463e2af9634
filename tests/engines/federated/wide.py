"""A federation over two stores in memory, each behind a line that can be cut, on clocks that tests move."""

from dataclasses import dataclass, field
from random import Random

from penstock.clock import ManualClock
from penstock.conformance.builders import job
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.federated.ring import Ring
from penstock.engines.memory import MemoryEngine
from penstock.job import NewJob
from tests.engines.federated.line import Line


@dataclass
class Wide:
    """The federation, what lies behind it, and the clocks."""

    weights: dict[str, int]
    tries: int = 2
    now: float = 0.0  # of the process of the federation
    clock: ManualClock = field(default_factory=ManualClock)  # of the stores
    chance: Random = field(default_factory=lambda: Random(7))  # the same in each run

    def __post_init__(self) -> None:
        self.stores = {
            name: MemoryEngine(number=number, clock=self.clock)
            for number, name in enumerate(self.weights)
        }
        self.lines = {name: Line(store) for name, store in self.stores.items()}
        self.engine = self.another()

    def another(self) -> FederatedEngine:
        """The federation as another process has it, not open yet."""
        partitions = [
            Partition(name=name, engine=self.lines[name].engine, weight=weight)
            for name, weight in self.weights.items()
        ]
        return FederatedEngine(
            partitions,
            max_partitions_try=self.tries,
            now=lambda: self.now,
            chance=self.chance,
        )

    async def opened(self) -> "Wide":
        """The same, open."""
        await self.engine.open()
        return self

    def pass_by(self, seconds: float) -> None:
        """So much time has passed for the federation."""
        self.now += seconds

    def key_of(self, name: str, *, nth: int = 0) -> str:
        """A dedupe key of a job whose home is this partition."""
        ring = Ring(self.weights)
        keys = (str(number) for number in range(1000))
        mine = [key for key in keys if ring.owner(f"dedupe {job().queue}/{key}") == name]
        return mine[nth]

    def caller_key_of(self, name: str) -> str:
        """An idempotency key whose home is this partition."""
        ring = Ring(self.weights)
        keys = (str(number) for number in range(1000))
        return next(key for key in keys if ring.owner(f"key {key}") == name)

    def job_for(self, name: str, called: str = "a", *, nth: int = 0) -> NewJob:
        """A job whose home is this partition."""
        return job(called, dedupe_key=self.key_of(name, nth=nth))

    async def size(self, name: str) -> int:
        """How many jobs lie in this partition."""
        counts = await self.stores[name].counts()
        return sum(each.pushed - each.deleted for each in counts.values())
