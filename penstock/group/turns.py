"""Whose turn it is: higher heads first, fair turns among equal ones, by domain and then by queue."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from penstock.job import QueueKey

REMEMBERED = 100_000

T = TypeVar("T")

# A queue of one store: callbacks have a queue of the same name in each.
Place: TypeAlias = tuple[str, QueueKey]


@dataclass(frozen=True, slots=True)
class Head:
    """A ready queue and the priority that it starts with."""

    store: str
    queue: QueueKey
    priority: int

    @property
    def place(self) -> Place:
        """Which queue of which store this is."""
        return self.store, self.queue


@dataclass(frozen=True, slots=True)
class Share:
    """How many jobs a queue may give now; none below the floor, since another queue comes before those."""

    store: str
    queue: QueueKey
    limit: int
    floor: int

    @property
    def place(self) -> Place:
        """Which queue of which store this is."""
        return self.store, self.queue


class Turns:
    """Remembers who was served last, and shares the free slots out."""

    def __init__(self) -> None:
        self._served: OrderedDict[Place | str, int] = OrderedDict()
        self._turn = 0

    def share(self, heads: Sequence[Head], slots: int) -> Sequence[Share]:
        """The shares of the queues with the highest head, the longest unserved first; together `slots` jobs at most."""
        if not heads or slots <= 0:
            return ()
        top = max(head.priority for head in heads)
        floor = max((head.priority + 1 for head in heads if head.priority < top), default=0)
        domains: dict[str, list[Head]] = {}
        for head in heads:
            if head.priority == top:
                domains.setdefault(head.queue.domain, []).append(head)
        shares: list[Share] = []
        for domain, part in _divide(sorted(domains, key=self._last), slots):
            waiting = sorted(domains[domain], key=lambda head: self._last(head.place))
            for head, limit in _divide(waiting, part):
                shares.append(Share(head.store, head.queue, limit, floor))
        return shares

    def served(self, place: Place) -> None:
        """The queue has had its turn, and so has its domain."""
        self._turn += 1
        _, queue = place
        for key in (place, queue.domain):
            self._served[key] = self._turn
            self._served.move_to_end(key)
        while len(self._served) > REMEMBERED:
            self._served.popitem(last=False)

    def _last(self, key: Place | str) -> int:
        return self._served.get(key, 0)


def _divide(takers: Sequence[T], amount: int) -> list[tuple[T, int]]:
    each, rest = divmod(amount, len(takers))
    parts = [(taker, each + (1 if index < rest else 0)) for index, taker in enumerate(takers)]
    return [(taker, part) for taker, part in parts if part]
