"""What of a push belongs together, and what the ring places it by."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from penstock.job import Delivery, NewJob

BATCH = 300  # jobs that nothing binds to a place, and that go to one together


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Jobs of one push that go to one partition, in one commit."""

    places: tuple[int, ...]  # of the jobs in the push
    item: str | None = None  # what the ring places them by; None: they may go anywhere
    bound: bool = (
        False  # to where their key was or will be known, whether that can be reached or not
    )
    once: bool = False  # never tried again where they may have been stored


@dataclass(slots=True)
class _Bundle:
    item: str | None
    bound: bool = False
    places: list[int] = field(default_factory=list)


def units_of(jobs: Sequence[NewJob]) -> Sequence[Unit]:
    """The push in units: what has one idempotency key, what has one dedupe key, one root; the rest in batches."""
    bundles: dict[object, _Bundle] = {}
    for place, (name, bundle) in enumerate(_named(jobs)):
        bundles.setdefault(name, bundle).places.append(place)
    return [_unit(jobs, bundle) for bundle in bundles.values()]


def _named(jobs: Sequence[NewJob]) -> Iterator[tuple[object, _Bundle]]:
    """What each job is bundled by, and the bundle that it begins if it is the first."""
    items = _items_of_keys(jobs)
    free = Counter[Delivery]()
    for new in jobs:
        if new.idempotency is not None:
            asked = new.idempotency.key, new.idempotency.fingerprint
            yield ("key", *asked), _Bundle(items[asked], bound=True)
        elif new.dedupe_key is not None:
            item = _dedupe_item(new, new.dedupe_key)
            yield ("dedupe", item), _Bundle(item)
        elif new.root is not None:
            item = f"root {new.queue}/{new.root.signature}"
            yield ("root", item), _Bundle(item)
        else:
            yield ("free", new.delivery, free[new.delivery] // BATCH), _Bundle(None)
            free[new.delivery] += 1


def _items_of_keys(jobs: Sequence[NewJob]) -> dict[tuple[str, str], str]:
    """What the jobs under one idempotency key are placed by, all of them together.

    By the key; but where all of them have one dedupe key, by that, so that they meet their twin. The same push
    again comes to the same place either way.
    """
    dedupes: dict[tuple[str, str], set[str | None]] = {}
    for new in jobs:
        if new.idempotency is not None:
            asked = new.idempotency.key, new.idempotency.fingerprint
            item = None if new.dedupe_key is None else _dedupe_item(new, new.dedupe_key)
            dedupes.setdefault(asked, set()).add(item)
    items: dict[tuple[str, str], str] = {}
    for (key, fingerprint), found in dedupes.items():
        [first, *others] = found
        alone = first is not None and not others
        items[key, fingerprint] = first if first is not None and alone else f"key {key}"
    return items


def _dedupe_item(new: NewJob, key: str) -> str:
    return f"dedupe {new.queue}/{key}"


def _unit(jobs: Sequence[NewJob], bundle: _Bundle) -> Unit:
    once = any(jobs[place].delivery is Delivery.AT_MOST_ONCE for place in bundle.places)
    return Unit(
        places=tuple(bundle.places),
        item=bundle.item,
        bound=bundle.bound,
        once=once or bundle.bound,
    )
