"""What a measure found: figures with their spread, beside what the bare store managed in the same run."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Jobs a second, over several rounds."""

    rounds: int
    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long single acts took."""

    samples: int
    least: timedelta
    median: timedelta
    p95: timedelta
    p99: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many jobs a second went through; `limit` is the bare store's, None where it has no twin here."""

    name: str
    about: str
    ours: Rates
    limit: Rates | None = None

    @property
    def share(self) -> float | None:
        """Our part of the limit."""
        return None if self.limit is None else self.ours.median / self.limit.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """How long an act takes; `limit` as with a rate."""

    name: str
    about: str
    ours: Times
    limit: Times | None = None

    @property
    def share(self) -> float | None:
        """The limit's part of our time: 1 where nothing is added to it."""
        return None if self.limit is None else self.limit.median / self.ours.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How long something took that happens once, and for how many jobs."""

    name: str
    about: str
    jobs: int
    took: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How much dearer an act is in one place than in another, by the medians; `at_most` is what we aim for.

    `limit` is how much dearer it is for the bare store.
    """

    name: str
    about: str
    value: float
    at_most: float
    limit: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the aim is reached."""
        return self.value <= self.at_most


Figure: TypeAlias = Rate | Time | Total | Ratio


def rates(jobs: int, rounds: Sequence[timedelta]) -> Rates:
    """The rates of rounds that each took so many jobs through."""
    found = [jobs / _seconds(each) for each in rounds]
    return Rates(
        rounds=len(found),
        least=min(found),
        median=statistics.median(found),
        most=max(found),
    )


def times(samples: Sequence[timedelta]) -> Times:
    """The spread of these samples, of which there is at least one."""
    ordered = sorted(samples)
    return Times(
        samples=len(ordered),
        least=ordered[0],
        median=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
        most=ordered[-1],
    )


def percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """The sample that so many percent of them do not exceed: one that was really seen, nothing between two."""
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def ratio(dear: Times, cheap: Times) -> float:
    """How many times the cheap median fits into the dear one."""
    return dear.median / max(cheap.median, timedelta.resolution)


def _seconds(took: timedelta) -> float:
    # What took no time by the clock took less than its smallest step.
    return max(took, timedelta.resolution).total_seconds()
