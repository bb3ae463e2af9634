"""Where types live, as the configuration says; and what of it is of no use."""

from collections.abc import Callable, Iterator, Set

from penstock.app.building import default_store, routes_of
from penstock.doctor.report import Told
from penstock.examination import About, advice
from penstock.job import CALLBACK_TYPE
from penstock.settings import Settings


def lives_in(settings: Settings, store: str) -> Callable[[str], bool]:
    """Whether the jobs of a type live in this store, or in a federation that it is a partition of."""
    routes, default = routes_of(settings), default_store(settings)

    def lives(type: str) -> bool:
        home = routes.get(type, default)
        return type == CALLBACK_TYPE or store in _stores_of(settings, home)

    return lives


def unused_stores(settings: Settings) -> Iterator[Told]:
    """Stores in which no type lives."""
    homes = {default_store(settings), *routes_of(settings).values()}
    used = homes.union(*(_stores_of(settings, home) for home in homes))
    for name in settings.stores:
        if name not in used:
            change = f'add to the section of a type: store = "{name}"; or remove [stores.{name}]'
            yield Told(name, advice(About.CONFIGURATION, "no type lives here", change))


def _stores_of(settings: Settings, home: str) -> Set[str]:
    return (settings.stores[home].partitions or {home: 0}).keys()
