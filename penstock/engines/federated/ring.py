"""The ring that places keys: the weighted consistent hashing of the classic, point by point.

Where a key lies depends on names and weights alone, so all processes agree, and those of the classic with them.
"""

import hashlib
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping

GROUPS = 40  # of a location of average weight
POINTS = 4  # of a group


class Ring:
    """Locations on a circle, each with as many points as its weight asks for; one of weight 0 has none.

    ValueError for a weight below zero, or where no weight is above it.
    """

    def __init__(self, weights: Mapping[str, int]) -> None:
        if any(weight < 0 for weight in weights.values()):
            raise ValueError("a weight is below zero")
        heavy = {location: weight for location, weight in weights.items() if weight > 0}
        if not heavy:
            raise ValueError("no location has a weight above zero")
        owners = _owners(heavy)
        self._points = sorted(owners)
        self._owners = [owners[point] for point in self._points]

    def owner(self, item: str, *, without: Collection[str] = ()) -> str | None:
        """Where the item lies if it may not lie in some places; no other item moves for that. None: nowhere."""
        return next((owner for owner in self.owners(item) if owner not in without), None)

    def owners(self, item: str) -> Iterator[str]:
        """Each location once, in the order in which the item would go from one to the next."""
        first = bisect_left(self._points, _position(item))
        passed: set[str] = set()
        for step in range(len(self._owners)):
            owner = self._owners[(first + step) % len(self._owners)]
            if owner not in passed:
                passed.add(owner)
                yield owner


def _owners(weights: Mapping[str, int]) -> Mapping[int, str]:
    """Which location each point belongs to; where two meet, the one whose name is the greater."""
    total = sum(weights.values())
    names: dict[int, tuple[str, str]] = {}
    for location, weight in weights.items():
        # In this order: the number of groups is cut off, and hangs on the last bit of the product.
        for group in range(int(weight / total * GROUPS * len(weights))):
            for index, point in enumerate(_points(f"{location}-{group}")):
                name = f"{group * POINTS + index}@{location}"
                names[point] = max(names.get(point, ("", "")), (name, location))
    return {point: location for point, (_, location) in names.items()}


def _points(group: str) -> tuple[int, ...]:
    return struct.unpack(f"<{POINTS}I", _hash(group)[: POINTS * 4])


def _position(item: str) -> int:
    position: int
    (position,) = struct.unpack("<I", _hash(item)[:4])
    return position


def _hash(text: str) -> bytes:
    return hashlib.sha1(text.encode(), usedforsecurity=False).digest()
