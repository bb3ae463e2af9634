"""From where to where the jobs of a type are to be copied; refused where that makes no sense."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from penstock.engine import Feature
from penstock.errors import (
    CallerError,
    FieldError,
    SettingsError,
    UnknownType,
    UnsupportedFeature,
    nearest,
)
from penstock.group import QueueGroup, Store
from penstock.job import CALLBACK_TYPE, Counts, QueueKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A queue in one of the stores that are copied from, and what stood in it."""

    store: Store
    queue: QueueKey
    counts: Counts

    @property
    def waiting(self) -> int:
        """How many jobs were there to be copied."""
        return self.counts.scheduled + self.counts.ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The queues of one type in which jobs wait or run, and the place that takes those that wait."""

    parts: Sequence[Part]
    target: Store

    @property
    def waiting(self) -> int:
        """How many jobs were there to be copied."""
        return sum(part.waiting for part in self.parts)


async def route(
    group: QueueGroup, type: str, source: str, target: str, domains: Collection[str] = ()
) -> Route:
    """The route of these jobs, of these domains or of all, from one place to another; nothing is changed.

    What lies in a store that both places have is left where it is. Raises SettingsError for an unknown place,
    UnknownType, UnsupportedFeature where the target cannot do what the jobs need, and CallerError for the rest.
    """
    taking = _place(group, target)
    stores = _stores_to_copy_from(group, _place(group, source), taking)
    if type == CALLBACK_TYPE:
        raise CallerError(
            "type callback: each store has the callbacks of its own jobs; they are not copied"
        )
    parts = [part for store in stores for part in await _parts(store, type)]
    if not parts:
        await _refuse_unknown_type(group, type, [*stores, taking])
    wanted = [
        part
        for part in parts
        if (part.waiting or part.counts.claimed) and (not domains or part.queue.domain in domains)
    ]
    _refuse_delayed(taking, wanted)
    return Route(parts=wanted, target=taking)


def _place(group: QueueGroup, name: str) -> Store:
    found = group.places.get(name)
    if found is None:
        raise SettingsError(f"no store {name} is configured; {nearest(name, group.places)}")
    return found


def _stores_to_copy_from(group: QueueGroup, source: Store, target: Store) -> Sequence[Store]:
    """The stores that hold what is in the source and not in the target."""
    if source is target:
        raise CallerError(f"{source.name} is both source and target; name two stores")
    there = _holders(target)
    names = sorted(_holders(source) - there)
    if not names:
        raise CallerError(
            f"{source.name} is a part of {target.name}: what waits in it is run from {target.name} "
            "as it stands; there is nothing to copy"
        )
    return [group.stores[name] for name in names]


def _holders(place: Store) -> frozenset[str]:
    return place.partitions or frozenset({place.name})


async def _parts(store: Store, type: str) -> Sequence[Part]:
    counts = await store.engine.counts()
    return [
        Part(store=store, queue=queue, counts=counts[queue])
        for queue in sorted(counts)
        if queue.type == type
    ]


async def _refuse_unknown_type(group: QueueGroup, type: str, places: Sequence[Store]) -> None:
    known = {*group.registry.types, *group.policies.types} - {CALLBACK_TYPE}
    for place in places:
        known |= {queue.type for queue in await place.engine.counts()}
    if type not in known:
        raise UnknownType(
            [FieldError("type", f"no job of type {type} was ever pushed; {nearest(type, known)}")]
        )


def _refuse_delayed(target: Store, parts: Sequence[Part]) -> None:
    scheduled = sum(part.counts.scheduled for part in parts)
    if scheduled and Feature.DELAY not in target.engine.features:
        raise UnsupportedFeature(
            f"store {target.name} cannot delay jobs, and {scheduled} of these are scheduled; choose another store"
        )
