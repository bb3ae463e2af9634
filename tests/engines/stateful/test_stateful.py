"""Every engine does what the model does, whatever is asked of it and in whatever order."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from penstock.conformance.harness import Harness
from penstock.engines.memory import MemoryEngine
from tests.engines.federated.harness import in_memory
from tests.engines.mariadb import harness as mariadb
from tests.engines.memory_harness import MemoryHarness
from tests.engines.mutants import mutants
from tests.engines.postgresql.harness import around
from tests.engines.redis.harness import RedisHarness
from tests.engines.sqlite.harness import SqliteHarness
from tests.engines.stateful.machine import EngineMachine
from tests.servers.mariadb import Server as MariadbServer
from tests.servers.redis import Server, redis_server

__all__ = ["redis_server"]

pytest_plugins = ["tests.servers.fixtures"]

# To make a failure small takes minutes, and is worth them.
pytestmark = pytest.mark.timeout(600)

STEPS = settings(
    deadline=None,
    # A desk searches anew each time; CI judges a change by the same examples as the one before.
    derandomize="CI" in os.environ,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)
# The same questions each time, until the first that tells.
TRIAL = settings(
    STEPS,
    database=None,
    derandomize=True,
    max_examples=500,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
MUTANTS = [
    mutants.EndsByIdAlone,
    mutants.KeyKeptAfterClaim,
    mutants.AttemptsCountedAtTheEnd,
    mutants.FollowUpsWithoutTheEnd,
    mutants.PurgedAreNotCounted,
    mutants.TwinIsNotRaised,
    mutants.ConflictStoresTheRest,
]

Stage: TypeAlias = Callable[[], AbstractAsyncContextManager[Harness]]


def on_memory(kind: type[MemoryEngine] = MemoryEngine) -> Stage:
    @asynccontextmanager
    async def stage() -> AsyncIterator[Harness]:
        harness = MemoryHarness(kind)
        await harness.engine.open()
        yield harness
        await harness.engine.close()

    return stage


@asynccontextmanager
async def on_a_federation() -> AsyncIterator[Harness]:
    """Of one partition: over several, ids and the order of a queue are others than the model has."""
    harness = in_memory(1)
    await harness.engine.open()
    yield harness
    await harness.close()


@asynccontextmanager
async def on_sqlite() -> AsyncIterator[Harness]:
    with TemporaryDirectory() as directory:
        harness = SqliteHarness(Path(directory))
        await harness.engine.open()
        yield harness
        await harness.close()


def on_postgresql(url: str) -> Stage:
    @asynccontextmanager
    async def stage() -> AsyncIterator[Harness]:
        async with around(url) as harness:
            await harness.clean()
            yield harness

    return stage


def on_mariadb(url: str) -> Stage:
    @asynccontextmanager
    async def stage() -> AsyncIterator[Harness]:
        async with mariadb.at(url) as harness:
            await harness.clean()
            yield harness

    return stage


def agrees(name: str, stage: Stage, how: settings) -> None:
    """The machine of this name, which knows again what failed before, finds no difference."""
    machine = type(name, (EngineMachine,), {"stage": lambda _: stage()})
    run_state_machine_as_test(machine, settings=how)


def test_memory_does_what_the_model_does() -> None:
    agrees("OnMemory", on_memory(), settings(STEPS, max_examples=150))


@pytest.mark.slow
def test_memory_does_what_the_model_does_for_long() -> None:
    agrees("OnMemory", on_memory(), settings(STEPS, max_examples=600, stateful_step_count=60))


def test_a_federation_does_what_the_model_does() -> None:
    agrees("OnFederation", on_a_federation, settings(STEPS, max_examples=50))


def test_sqlite_does_what_the_model_does() -> None:
    agrees("OnSqlite", on_sqlite, settings(STEPS, max_examples=20))


@pytest.mark.slow
def test_sqlite_does_what_the_model_does_for_long() -> None:
    agrees("OnSqlite", on_sqlite, settings(STEPS, max_examples=200))


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("postgresql")
def test_postgresql_does_what_the_model_does(postgresql_url: str) -> None:
    agrees("OnPostgresql", on_postgresql(postgresql_url), settings(STEPS, max_examples=100))


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("mariadb")
def test_mariadb_does_what_the_model_does(mariadb_server: MariadbServer) -> None:
    with mariadb_server.database() as url:
        agrees("OnMariadb", on_mariadb(url), settings(STEPS, max_examples=100))


@pytest.mark.slow
@pytest.mark.server
def test_redis_does_what_the_model_does(redis_server: Server) -> None:
    def stage() -> AbstractAsyncContextManager[Harness]:
        return RedisHarness(redis_server.url, redis_server)

    agrees("OnRedis", stage, settings(STEPS, max_examples=150))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_machine_tells_a_mutant(mutant: type[MemoryEngine]) -> None:
    with pytest.raises(AssertionError):
        agrees(mutant.__name__, on_memory(mutant), TRIAL)


@pytest.mark.slow
def test_the_machine_accepts_the_reference_by_the_same_road() -> None:
    agrees("Reference", on_memory(), TRIAL)
