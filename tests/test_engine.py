"""The contract itself: every engine has all of it, and every word of it is explained."""

import inspect

import pytest

from penstock.engine import Engine
from penstock.engines.memory import MemoryEngine
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.redis import RedisEngine
from penstock.engines.sqlite import SqliteEngine

ENGINES: list[type] = [MemoryEngine, PostgresqlEngine, RedisEngine, SqliteEngine]
METHODS = sorted(
    name for name, member in vars(Engine).items() if inspect.iscoroutinefunction(member)
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", METHODS)
def test_an_engine_has_each_method_with_its_parameters(engine: type, method: str) -> None:
    contract = inspect.signature(getattr(Engine, method)).parameters
    own = inspect.signature(getattr(engine, method)).parameters

    assert [(p.name, p.kind, p.default) for p in own.values()] == [
        (p.name, p.kind, p.default) for p in contract.values()
    ]


@pytest.mark.parametrize("method", METHODS)
def test_each_method_says_what_it_leaves_true(method: str) -> None:
    told = inspect.getdoc(getattr(Engine, method)) or ""

    assert told.endswith(".") or "\n" in told
    assert len(told.split()) >= 5


def test_no_engine_offers_a_way_around_the_contract() -> None:
    allowed = {*METHODS, "features", "identity"}
    # Told by docs: what an engine of its own kind needs before it is open.
    own: dict[type, set[str]] = {SqliteEngine: {"migrate", "pending"}}

    for engine in ENGINES:
        public = {name for name in vars(engine) if not name.startswith("_")}
        assert public - allowed - own.get(engine, set()) == set()
