"""Bringing a store to the present schema: what is pending, what is applied, what is left alone."""

import re
from datetime import timedelta

import pytest

from penstock.conformance.builders import TTL, job, push_one
from penstock.engine import Ack
from penstock.engines.mariadb import database, engine, schema
from penstock.engines.mariadb.statements import Migration, migrations
from penstock.errors import EngineUnavailable
from tests.engines.mariadb.harness import MariadbHarness, around, at
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mariadb")]

NAMES = [name for _, name, _ in migrations()]
SLOW: Migration = (9999, "9999_slow.sql", ("do sleep(1.5)",))
WIDE: Migration = (9999, "9999_wide.sql", ("alter table job add column if not exists wide int",))


def with_one_more(monkeypatch: pytest.MonkeyPatch, migration: Migration) -> None:
    monkeypatch.setattr(schema, "migrations", lambda: [*migrations(), migration])


async def test_a_newer_schema_that_says_nothing_else_is_worked_on(harness: MariadbHarness) -> None:
    harness.ask("later")

    other = await harness.second()

    assert await other.pending() == []
    assert await push_one(other, job()) == 1


async def test_pending_tells_and_changes_nothing(mariadb_server: Server) -> None:
    async with around(mariadb_server) as harness:
        assert await harness.engine.pending() == NAMES
        assert await harness.engine.pending() == NAMES
        assert harness.ask("tables") == []

        assert await harness.engine.migrate() == NAMES
        assert await harness.engine.pending() == await harness.engine.migrate() == []


async def test_a_migration_may_take_longer_than_any_other_statement(
    harness: MariadbHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SECONDS_TO_ANSWER", 1)
    with_one_more(monkeypatch, SLOW)

    other = await harness.second()

    assert await push_one(other, job()) == 1


async def test_a_migration_that_waits_for_a_table_gives_up_and_is_tried_again(
    harness: MariadbHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LONGEST_LOCK_WAITS", timedelta(0))
    with_one_more(monkeypatch, WIDE)
    harness.ask("hold")

    with pytest.raises(EngineUnavailable, match=r"[Ll]ock wait timeout"):
        await harness.another().migrate()

    harness.ask("let_go")
    assert await harness.another().migrate() == [WIDE[1]]


async def test_a_user_that_may_make_nothing_works_on_a_store_that_is_made(
    harness: MariadbHarness, mariadb_server: Server
) -> None:
    [database] = re.findall(r"/(penstock_test_\w+)", harness.url)
    mariadb_server.execute("create user working_only identified by 'secret'")
    try:
        rights = "select, insert, update, delete, create temporary tables"
        mariadb_server.execute(f"grant {rights} on {database}.* to working_only")
        async with at(re.sub(r"//[^/]*@", "//working_only:secret@", harness.url)) as worker:
            await worker.engine.open()
            id = await push_one(worker.engine, job())
            [claim] = await worker.engine.claim_ids([id], ttl=TTL, worker="w")
            assert await worker.engine.ack([Ack(ref=claim.ref)]) == [True]
    finally:
        mariadb_server.execute("drop user working_only")
