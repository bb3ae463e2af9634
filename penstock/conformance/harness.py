"""What the suite needs of an engine under test, beyond the seam; and how its cases are found."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Protocol, TypeVar

from penstock.engine import Engine, Feature
from penstock.job import JobId


class Harness(Protocol):
    """One engine on an empty store of its own, with the hands that a test needs around it."""

    @property
    def engine(self) -> Engine:
        """The engine under test, open, of store number 0."""
        ...

    async def age(self, duration: timedelta) -> None:
        """Every stored time lies further back by `duration`, as if so much time had passed."""
        ...

    async def crash(self) -> None:
        """The engine was lost as by a kill; `engine` is a new open one on the same store."""
        ...

    async def reopen(self) -> None:
        """The engine was closed in good order; `engine` is an open one on the same store."""
        ...

    async def second(self) -> Engine:
        """Another open engine on the same store, as another process has; the harness closes it."""
        ...

    async def spoil(self, id: JobId) -> None:
        """The stored params and details of this job cannot be decoded, as if another wrote it."""
        ...


Case = Callable[[Harness], Awaitable[None]]
_Case = TypeVar("_Case", bound=Case)


def needs(*features: Feature) -> Callable[[_Case], _Case]:
    """Mark a case that says nothing about an engine without these features."""

    def mark(case: _Case) -> _Case:
        case.__dict__["features"] = frozenset(features)
        return case

    return mark


def needed(case: object) -> frozenset[Feature]:
    """The features without which the case says nothing."""
    features: frozenset[Feature] = getattr(case, "features", frozenset())
    return features


def cases(*modules: ModuleType) -> Iterator[tuple[str, Case]]:
    """Name and function of every case of these modules, in the order in which they are written."""
    for module in modules:
        for name, case in vars(module).items():
            if name.startswith("test_") and inspect.iscoroutinefunction(case):
                yield f"{module.__name__.rpartition('.')[2]}::{name}", case
