"""Asked all together, a partition that is away is left out, and no other store."""

import pytest

from penstock.engine import Engine
from penstock.engines.federated import FederatedEngine, Partition
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable, StoreMismatch
from penstock.events import Events
from penstock.group import QueueGroup, Store, answers_of
from penstock.handler import Registry
from penstock.policy import Policies, Policy

POLICIES = Policies(Policy())


def store(name: str, engine: Engine, *, partitions: tuple[str, ...] = ()) -> Store:
    return Store(name, engine, POLICIES, Events(), partitions=partitions)


@pytest.fixture
def group() -> QueueGroup:
    """A plain store, and a place that is spread over two."""
    engines = {name: MemoryEngine(number=n) for n, name in enumerate(["plain", "east", "west"])}
    parts = ("east", "west")
    wide = FederatedEngine([Partition(name=n, engine=engines[n], weight=1) for n in parts])
    stores = {name: store(name, engine) for name, engine in engines.items()}
    stores["wide"] = store("wide", wide, partitions=parts)
    return QueueGroup(stores, default="wide", policies=POLICIES, registry=Registry())


async def answers_without(
    group: QueueGroup, *away: str, error: type[Exception] = EngineUnavailable
) -> list[str]:
    """The names of those that answer while these raise the error."""

    async def ask(store: Store) -> str:
        if store.name in away:
            raise error(f"{store.name} is away")
        return store.name.upper()

    answers = await answers_of(group, group.stores.values(), ask)
    assert all(answer == store.name.upper() for store, answer in answers)
    return [store.name for store, _ in answers]


async def test_a_partition_that_is_away_is_left_out(group: QueueGroup) -> None:
    assert await answers_without(group) == ["plain", "east", "west"]
    assert await answers_without(group, "west") == ["plain", "east"]
    assert await answers_without(group, "east", "west") == ["plain"]


@pytest.mark.parametrize("away", [["plain"], ["plain", "west"], ["plain", "east", "west"]])
async def test_another_store_that_is_away_is_told(group: QueueGroup, away: list[str]) -> None:
    with pytest.raises(EngineUnavailable, match="plain is away"):
        await answers_without(group, *away)


async def test_where_none_answers_the_caller_is_told(group: QueueGroup) -> None:
    del group.stores["plain"]

    with pytest.raises(EngineUnavailable, match="west is away"):
        await answers_without(group, "east", "west")


async def test_what_is_wrong_for_good_with_a_partition_is_told(group: QueueGroup) -> None:
    with pytest.raises(StoreMismatch, match="west is away"):
        await answers_without(group, "west", error=StoreMismatch)
