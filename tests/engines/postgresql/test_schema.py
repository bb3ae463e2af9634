"""Opening a store: made once by whoever comes first, refused where it is another's or newer."""

import asyncio

import pytest

from penstock.conformance.builders import job, push, push_one
from penstock.engine import Feature
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.postgresql.statements import migrations
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import first_id
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]


async def test_processes_that_start_together_make_the_store_once(postgresql_url: str) -> None:
    async with around(postgresql_url, "started_together") as harness:
        engines = [harness.engine, *(harness.another() for _ in range(3))]

        await asyncio.gather(*(engine.open() for engine in engines))

        applied = await harness.session.fetch(sql("migrations"))
        assert [row["number"] for row in applied] == [each.number for each in migrations()]
        assert len({engine.identity.uuid for engine in engines}) == 1
        assert await push(engines[3], job("a"), job("b")) == [1, 2]


async def test_a_store_gives_ids_of_its_number_and_refuses_another(postgresql_url: str) -> None:
    async with around(postgresql_url, "numbered") as harness:
        seven = harness.another(number=7)
        await seven.open()

        assert await push_one(seven, job()) == first_id(7)
        with pytest.raises(StoreMismatch, match="number 7, the configuration says 0"):
            await harness.engine.open()
        assert seven.identity.number == 7


async def test_a_newer_schema_is_refused(harness: PostgresqlHarness) -> None:
    await harness.session.execute(sql("newer"))
    try:
        with pytest.raises(StoreMismatch, match="has schema 9999"):
            await harness.another().open()
    finally:
        await harness.session.execute(sql("not_newer"))


async def test_a_server_that_answers_before_it_is_on_disk_is_not_called_durable(
    harness: PostgresqlHarness,
) -> None:
    hasty = harness.another(setting="synchronous_commit=off")
    await hasty.open()

    assert harness.engine.features - hasty.features == {Feature.DURABLE}
    assert hasty.features <= harness.engine.features


async def test_a_server_that_takes_no_writes_is_unavailable(harness: PostgresqlHarness) -> None:
    standby = harness.another(setting="default_transaction_read_only=on")

    with pytest.raises(EngineUnavailable, match="takes no writes"):
        await standby.open()


async def test_a_stricter_isolation_is_refused(harness: PostgresqlHarness) -> None:
    strict = harness.another(setting="default_transaction_isolation=serializable")

    with pytest.raises(EngineError, match="set default_transaction_isolation = 'read committed'"):
        await strict.open()


async def test_an_engine_that_was_never_open_says_so() -> None:
    engine = PostgresqlEngine("postgresql:///")

    for ask in (lambda: engine.features, lambda: engine.identity):
        with pytest.raises(EngineError, match="never open"):
            ask()
    with pytest.raises(EngineError, match="not open"):
        await engine.get([])
    await engine.close()


@pytest.mark.parametrize("url", ["sqlite:///penstock.db", "postgres", ""])
def test_a_url_of_another_engine_is_refused(url: str) -> None:
    with pytest.raises(EngineError, match="postgresql://"):
        PostgresqlEngine(url)


@pytest.mark.parametrize("schema", ["", "Penstock", "a,b", '"a"', "a" * 64, "pg_mine"])
def test_a_schema_that_is_no_plain_name_is_refused(schema: str) -> None:
    with pytest.raises(EngineError, match="schema"):
        PostgresqlEngine("postgresql:///", schema=schema)
