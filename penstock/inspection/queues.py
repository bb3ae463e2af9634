"""Queues as people see them: where they live, what stands in them; paused and resumed."""

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import timedelta

from penstock.errors import BadJob, FieldError
from penstock.group import QueueGroup, Store, answers_of
from penstock.job import CALLBACK_TYPE, Counts, QueueKey
from penstock.policy import Policy
from penstock.queue import wrong_name


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A queue as it stands. The queue of callbacks is in every store: its sum has no store of its own."""

    queue: QueueKey
    store: str | None
    engine: str | None  # the kind of the store
    paused: bool
    counts: Counts
    oldest: timedelta | None  # how long its first ready job has been ready
    policy: Policy


async def all_queues(group: QueueGroup) -> Sequence[QueueView]:
    """Every queue that was ever used or is paused, by domain and type, one of each store, a federated one whole.

    Those of a partition that is away are left out.
    """
    found = await answers_of(group, group.places.values(), lambda store: _views(group, store))
    views = [
        view
        for store, all_views in found
        for view in all_views
        if _is_seen_in(group, store, view.queue.type)
    ]
    return sorted(views, key=lambda view: (view.queue, view.store))


async def some_queues(group: QueueGroup, keys: Sequence[QueueKey]) -> Sequence[QueueView]:
    """These queues, in their places, also those never used; BadJob for a name that can be none."""
    _check(keys)
    parts: dict[QueueKey, list[QueueView]] = {key: [] for key in keys}
    wanted = dict(_by_store(group, keys))
    found = await answers_of(group, wanted, lambda store: _views(group, store, wanted[store]))
    for view in [view for _, views in found for view in views]:
        parts[view.queue].append(view)
    return [_sum(parts[key]) for key in keys]


async def keys_of(group: QueueGroup, type: str) -> Sequence[QueueKey]:
    """The queues of this type that were ever used or are paused, of all domains, in order."""
    found: set[QueueKey] = set()
    for _, keys in await answers_of(group, _stores_of(group, type), _known):
        found |= keys
    return sorted(key for key in found if key.type == type)


async def pause(group: QueueGroup, keys: Sequence[QueueKey]) -> None:
    """The queues give no claims, in whichever stores they are, until they are resumed."""
    _check(keys)
    for store, mine in _by_store(group, keys):
        await store.engine.pause(mine)


async def resume(group: QueueGroup, keys: Sequence[QueueKey]) -> None:
    """The queues give claims again."""
    _check(keys)
    for store, mine in _by_store(group, keys):
        await store.engine.resume(mine)


async def _known(store: Store) -> Set[QueueKey]:
    return (await store.engine.counts()).keys() | await store.engine.paused()


async def _views(
    group: QueueGroup, store: Store, keys: Collection[QueueKey] | None = None
) -> Sequence[QueueView]:
    """These queues of one store, or all that it knows."""
    paused = await store.engine.paused()
    counts = await store.engine.counts(keys)
    known = list(counts.keys() | paused) if keys is None else keys
    oldest = await store.engine.oldest(known)
    return [
        QueueView(
            queue=key,
            store=store.name,
            engine=store.kind,
            paused=key in paused,
            counts=counts.get(key, Counts()),
            oldest=oldest.get(key),
            policy=group.policies.of(key.type),
        )
        for key in known
    ]


def _by_store(
    group: QueueGroup, keys: Sequence[QueueKey]
) -> Iterator[tuple[Store, Sequence[QueueKey]]]:
    for store in group.places.values():
        mine = [key for key in dict.fromkeys(keys) if store in _stores_of(group, key.type)]
        if mine:
            yield store, mine


def _stores_of(group: QueueGroup, type: str) -> Sequence[Store]:
    return list(group.stores.values()) if type == CALLBACK_TYPE else [group.store_of_type(type)]


def _is_seen_in(group: QueueGroup, store: Store, type: str) -> bool:
    """Whether a queue of this type is told of this store: what a federation holds in its partitions is told once."""
    if type == CALLBACK_TYPE:
        return not store.partitions
    home = group.store_of_type(type)
    return home is store if store.partitions else store.name not in home.partitions


def _sum(parts: Sequence[QueueView]) -> QueueView:
    if len(parts) == 1:
        return parts[0]
    ages = [part.oldest for part in parts if part.oldest is not None]
    return replace(
        parts[0],
        store=None,
        engine=None,
        paused=all(part.paused for part in parts),
        counts=_added([part.counts for part in parts]),
        oldest=max(ages, default=None),
    )


def _added(counts: Sequence[Counts]) -> Counts:
    names = [field.name for field in fields(Counts)]
    return Counts(**{name: sum(getattr(one, name) for one in counts) for name in names})


def _check(keys: Sequence[QueueKey]) -> None:
    found = [(name, wrong_name(getattr(key, name))) for key in keys for name in ("domain", "type")]
    errors = [FieldError(name, detail) for name, detail in found if detail is not None]
    if errors:
        raise BadJob(errors)
