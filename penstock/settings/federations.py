"""Which stores may be spread over which others: what is wrong with their partitions."""

from collections.abc import Mapping, Set

from penstock.errors import nearest
from penstock.settings.sections import StoreSettings
from penstock.settings.source import Source

# What a federated store leaves to its partitions, and what to say of it.
_LEFT = {
    "url": "stands beside partitions; a store has one of the two",
    "number": "a federated store has none, as its partitions issue the ids; remove it",
    "listen_url": "a federated store does not listen itself; give it to its partitions",
    "accept_volatile": "a federated store has none, its partitions say so themselves; remove it",
    "migrate": "a federated store has no schema, its partitions say so themselves; remove it",
}
_ONLY = {"max_partitions_try": "is for a store with partitions; remove it"}


def refuse_wrong_stores(stores: Mapping[str, StoreSettings], tree: object, source: Source) -> None:
    """SettingsError for a store that has neither a URL nor partitions, or what does not fit to them.

    The tree of [stores] tells what was given from what is a default.
    """
    for name, store in stores.items():
        given = _keys_in(tree, name)
        if store.partitions is None:
            _refuse_unfit(name, given & _ONLY.keys(), _ONLY, source)
            if not store.url:
                raise source.refusal(("stores", name, "url"), "is missing; add it")
        else:
            _refuse_unfit(name, given & _LEFT.keys(), _LEFT, source)
            _refuse_wrong_partitions(name, store.partitions, stores, source)


def _keys_in(tree: object, name: str) -> Set[str]:
    section = tree.get(name) if isinstance(tree, dict) else None
    return set(section) if isinstance(section, dict) else set()


def _refuse_unfit(name: str, given: Set[str], why: Mapping[str, str], source: Source) -> None:
    for key in sorted(given):
        raise source.refusal(("stores", name, key), why[key])


def _refuse_wrong_partitions(
    name: str, partitions: Mapping[str, int], stores: Mapping[str, StoreSettings], source: Source
) -> None:
    keys = ("stores", name, "partitions")
    plain = [one for one, store in stores.items() if store.partitions is None]
    for partition in partitions:
        if partition in stores and partition not in plain:
            raise source.refusal(keys, f"{partition!r} is federated itself; name its partitions")
        if partition not in plain:
            raise source.refusal(keys, f"{partition!r} is no store; {nearest(partition, plain)}")
    if not any(partitions.values()):
        raise source.refusal(keys, "gives no store a weight above 0; nothing could be pushed")
