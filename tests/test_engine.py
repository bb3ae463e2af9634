"""The contract itself: every engine has all of it, and every word of it is explained."""

import inspect

import pytest

from penstock.engine import Engine, Learning, conflicts
from penstock.engines.mariadb import MariadbEngine
from penstock.engines.memory import MemoryEngine
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.redis import RedisEngine
from penstock.engines.sqlite import SqliteEngine
from penstock.examination import Examining
from penstock.job import Idempotency, NewJob, QueueKey
from penstock.schema import Migrating

ENGINES: list[type] = [MariadbEngine, MemoryEngine, PostgresqlEngine, RedisEngine, SqliteEngine]
METHODS = sorted(
    name for name, member in vars(Engine).items() if inspect.iscoroutinefunction(member)
)

# Beside the seam, for whoever asks before a store is opened.
BESIDE = {
    name: member
    for protocol in (Migrating, Examining)
    for name, member in vars(protocol).items()
    if inspect.iscoroutinefunction(member)
}


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
    allowed = {*METHODS, *BESIDE, "features", "identity"}
    # Told by the contract: what an engine must know whose store takes jobs from others.
    own: dict[type, set[str]] = {PostgresqlEngine: {"learn"}}
    assert isinstance(PostgresqlEngine("postgresql:///"), Learning)

    for engine in ENGINES:
        public = {name for name in vars(engine) if not name.startswith("_")}
        assert public - allowed - own.get(engine, set()) == set()


@pytest.mark.parametrize("engine", [one for one in ENGINES if one is not MemoryEngine])
def test_an_engine_of_stores_that_stay_offers_what_may_be_asked_before_it_is_open(
    engine: type,
) -> None:
    for name, method in BESIDE.items():
        assert inspect.signature(getattr(engine, name)) == inspect.signature(method)


def asked(fingerprint: str, *items: int, key: str = "k", domain: str = "d") -> list[NewJob]:
    """Jobs that were asked for together."""
    return [
        NewJob(
            queue=QueueKey(domain, "mail"),
            idempotency=Idempotency(key=key, fingerprint=fingerprint, item=item),
        )
        for item in items
    ]


@pytest.mark.parametrize(
    ("jobs", "fallen"),
    [
        ([], set()),
        ([NewJob(queue=QueueKey("d", "mail"))], set()),
        (asked("known", 0, 1), set()),
        (asked("other", 0), {0}),
        (asked("other", 1, 2), set()),
        (asked("other", 1, 0), {0, 1}),
        ([*asked("other", 0), NewJob(queue=QueueKey("d", "mail"))], {0}),
        ([*asked("other", 0), *asked("other", 0, key="j")], {0}),
        ([*asked("other", 0, domain="e"), *asked("other", 0)], {0, 1}),
        (asked("other", 0, domain="e"), set()),
        ([*asked("a", 1), *asked("b", 1, 2)], {1, 2}),
        ([*asked("a", 1), *asked("b", 1), *asked("a", 2)], {1}),
        ([*asked("a", 0, 1), *asked("b", 1)], {0, 1}),
    ],
)
def test_what_was_asked_for_under_one_key_stands_or_falls(
    jobs: list[NewJob], fallen: set[int]
) -> None:
    known = {("d", "k", 0): "known"}

    assert conflicts(jobs, known) == fallen
    assert known == {("d", "k", 0): "known"}
