"""How much is measured: the sizes of rounds and populations."""

from dataclasses import dataclass, replace
from typing import Self

LARGE = 1_000_000
SMALL = 1_000
BATCH = 100  # jobs in one call, wherever a measure says nothing else
TASKS = 64  # that push at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many jobs, rounds and samples; the defaults take some five minutes on two cores."""

    large: int = LARGE  # waiting jobs beside which claims are measured
    small: int = SMALL
    queues: int = 1_000
    rounds: int = 5
    singles: int = 300  # pushes one by one, in a round
    batches: int = 150  # pushes of 100, in a round
    each_task: int = 200  # pushes of each of 64 tasks, in a round
    drained: int = 12_000  # jobs through the runner, in a round
    pickups: int = 250
    claims: int = 150  # at most, of each population

    @property
    def in_rounds(self) -> int:
        """The most jobs that a measure of rounds stores: ours, and as many of the bare store."""
        most = max(self.singles, self.batches * BATCH, self.each_task * TASKS, self.drained)
        return 2 * self.rounds * most

    @property
    def scheduled(self) -> int:
        """The scheduled jobs beside which claims are measured."""
        return self.large * 3 // 10

    @property
    def superseded(self) -> int:
        """The jobs of an old root that claims step over."""
        return self.large // 10

    @property
    def finished(self) -> int:
        """The jobs that were done before claims are measured."""
        return self.large

    @property
    def held_open(self) -> int:
        """The jobs that were done while a transaction was held open."""
        return self.large // 5

    @classmethod
    def quick(cls) -> Self:
        """Enough for a look, in about ten seconds."""
        return cls(
            large=20_000,
            rounds=3,
            singles=100,
            batches=30,
            each_task=40,
            drained=2_000,
            pickups=40,
            claims=20,
        )

    def with_large(self, jobs: int) -> Self:
        """The same with so many waiting jobs; the other large populations go with it."""
        return replace(self, large=jobs)
