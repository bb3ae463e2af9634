"""Opening a store: made once by whoever comes first, refused where it is unsafe, another's or newer."""

import asyncio

import pytest

from penstock.conformance.builders import job, push, push_one
from penstock.engine import Feature
from penstock.engines.mariadb import MariadbEngine
from penstock.engines.mariadb.schema import check_server
from penstock.engines.mariadb.statements import migrations
from penstock.errors import EngineError, EngineUnavailable, StoreMismatch
from penstock.job import first_id
from tests.engines.mariadb.harness import MariadbHarness, around, setting
from tests.servers import running
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mariadb")]


async def test_processes_that_start_together_make_the_store_once(mariadb_server: Server) -> None:
    async with around(mariadb_server) as harness:
        engines = [harness.engine, *(harness.another() for _ in range(3))]

        await asyncio.gather(*(engine.open() for engine in engines))

        applied = [number for number, _ in harness.ask("migrations")]
        assert applied == [number for number, _, _ in migrations()]
        assert len({engine.identity.uuid for engine in engines}) == 1
        assert await push(engines[3], job("a"), job("b")) == [1, 2]


async def test_a_store_gives_ids_of_its_number_and_refuses_another(mariadb_server: Server) -> None:
    async with around(mariadb_server) as harness:
        seven = harness.another(number=7)
        await seven.open()

        assert await push_one(seven, job()) == first_id(7)
        with pytest.raises(StoreMismatch, match="number 7, the configuration says 0"):
            await harness.engine.open()
        assert seven.identity.number == 7


async def test_a_newer_schema_is_refused(harness: MariadbHarness) -> None:
    harness.ask("newer")

    with pytest.raises(StoreMismatch, match="has schema 9999"):
        await harness.another().open()


async def test_a_schema_that_was_made_by_half_is_completed(mariadb_server: Server) -> None:
    async with around(mariadb_server) as harness:
        await harness.engine.open()
        harness.ask("half")

        other = await harness.second()

        assert await push_one(other, job()) == 1
        assert await other.workers() == []


async def test_a_server_that_answers_before_it_is_on_disk_is_not_called_durable(
    harness: MariadbHarness, mariadb_server: Server
) -> None:
    with setting(mariadb_server, "innodb_flush_log_at_trx_commit", 2, before=1):
        hasty = await harness.second()

    assert Feature.DURABLE in harness.engine.features
    assert harness.engine.features - hasty.features == {Feature.DURABLE}


async def test_a_server_that_takes_no_writes_is_unavailable(
    harness: MariadbHarness, mariadb_server: Server
) -> None:
    with (
        setting(mariadb_server, "read_only", 1, before=0),
        pytest.raises(EngineUnavailable, match="takes no writes"),
    ):
        await harness.another().open()


async def test_a_server_that_takes_only_small_packets_is_refused(
    harness: MariadbHarness, mariadb_server: Server
) -> None:
    with (
        setting(mariadb_server, "max_allowed_packet", 2**20, before=2**24),
        pytest.raises(EngineError, match="max_allowed_packet = 4194304"),
    ):
        await harness.another().open()


@pytest.mark.slow
async def test_a_binary_log_must_hold_rows_and_be_on_disk() -> None:
    log = {"log-bin": "binary", "binlog-format": "STATEMENT", "sync-binlog": "0"}

    with running(lambda: Server().serve(**log)) as server:
        async with around(server) as harness:
            with pytest.raises(EngineError, match="binlog_format = ROW"):
                await harness.engine.open()

            server.execute("set global binlog_format = 'ROW'")
            await harness.engine.open()
            assert Feature.DURABLE not in harness.engine.features
            assert await push_one(harness.engine, job()) == 1

            server.execute("set global sync_binlog = 1")
            assert Feature.DURABLE in (await harness.second()).features


@pytest.mark.parametrize(
    "version", ["10.11.6-MariaDB-0+deb12u1", "5.5.5-10.6.12-MariaDB", "11.8.2-MariaDB-log"]
)
def test_a_server_that_is_new_enough_is_taken(version: str) -> None:
    check_server(version)


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("8.4.0", "MySQL is refused until it is tested"),
        ("8.0.36-0ubuntu0.22.04.1", "MySQL is refused until it is tested"),
        ("5.5.5-10.5.23-MariaDB", "use 10.6 or a newer one"),
        ("MariaDB", "MySQL is refused"),
    ],
)
def test_another_server_is_refused_by_its_name(version: str, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        check_server(version)


async def test_an_engine_that_was_never_open_says_so() -> None:
    engine = MariadbEngine("mariadb:///any")

    for ask in (lambda: engine.features, lambda: engine.identity):
        with pytest.raises(EngineError, match="never open"):
            ask()
    with pytest.raises(EngineError, match="not open"):
        await engine.get([])
    await engine.close()
