"""Two stores between which jobs are copied, and a federation if asked for."""

from collections import Counter
from collections.abc import Mapping

from penstock.conformance.builders import QUEUE
from penstock.engine import Engine
from penstock.engines.federated import FederatedEngine, Partition
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import Registry
from penstock.inspection import Copied, Route, copy, move, route
from penstock.policy import Policies, Policy
from tests.inspection.desk import HANDLERS


def group_of(
    engines: Mapping[str, Engine], *, federations: Mapping[str, tuple[str, ...]] | None = None
) -> QueueGroup:
    """All queues of these stores, and of federations over some of them; each store has another number."""
    policies = Policies(Policy())
    stores = {name: Store(name, engine, policies, Events()) for name, engine in engines.items()}
    for name, parts in (federations or {}).items():
        over = [Partition(name=part, engine=engines[part], weight=1) for part in parts]
        stores[name] = Store(name, FederatedEngine(over), policies, Events(), partitions=parts)
    return QueueGroup(
        stores, default=next(iter(stores)), policies=policies, registry=Registry(HANDLERS)
    )


async def opened(group: QueueGroup) -> QueueGroup:
    """The same, every place open."""
    for place in group.places.values():
        await place.engine.open()
    return group


async def copied(
    group: QueueGroup, source: str = "a", target: str = "b", *, batch: int = 100
) -> Copied:
    """What became of the one queue of mail that there is."""
    [one] = await copy(await _found(group, source, target), batch=batch, tell=_nobody)
    return one


async def moved(
    group: QueueGroup, source: str = "a", target: str = "b", *, batch: int = 100
) -> Copied:
    """What became of it when it was moved."""
    [one] = await move(await _found(group, source, target), batch=batch, tell=_nobody)
    return one


async def all_moved(group: QueueGroup, source: str = "a", target: str = "b") -> Counter[str]:
    """What became of the jobs in all stores of a place."""
    parts = await move(await _found(group, source, target), batch=100, tell=_nobody)
    names = ("copied", "already_there", "deduplicated", "refused", "removed")
    return +Counter({name: sum(getattr(one, name) for one in parts) for name in names})


async def _found(group: QueueGroup, source: str, target: str) -> Route:
    return await route(group, QUEUE.type, source, target)


def _nobody(more: int) -> None:
    """Nobody wants to know."""
