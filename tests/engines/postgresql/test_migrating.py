"""Bringing a store to the present schema: what is pending, what is applied, what is left alone."""

import pytest

from penstock.conformance.builders import TTL, job, push_one
from penstock.engine import Ack
from penstock.engines.postgresql import connection, schema
from penstock.engines.postgresql.statements import Migration, migrations
from penstock.errors import EngineUnavailable
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]


async def test_a_newer_schema_that_says_nothing_else_is_worked_on(
    harness: PostgresqlHarness,
) -> None:
    await harness.session.execute(sql("later"))
    try:
        other = await harness.second()

        assert await other.pending() == []
        assert await push_one(other, job()) == 1
    finally:
        await harness.session.execute(sql("not_newer"))


async def test_pending_tells_and_changes_nothing(postgresql_url: str) -> None:
    async with around(postgresql_url, "pending") as harness:
        first = await harness.engine.pending()

        assert first[:-1] == [each.name for each in migrations()]
        assert await harness.engine.pending() == first
        assert await harness.session.fetchval(sql("there"), "pending") is False

        assert await harness.engine.migrate() == first
        assert await harness.engine.pending() == await harness.engine.migrate() == []


async def test_functions_that_another_release_has_not_made_are_pending(
    harness: PostgresqlHarness,
) -> None:
    await harness.session.execute(sql("lose_function"))

    assert await harness.engine.pending() == ["functions of this release (1)"]

    assert await harness.another().migrate() == ["functions of this release (1)"]
    assert await harness.engine.pending() == []


async def test_a_migration_may_take_longer_than_any_other_statement(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS_TO_ANSWER", 1)
    slow = Migration(9999, "9999_slow.sql", sql("slow"))
    monkeypatch.setattr(schema, "migrations", lambda: [*migrations(), slow])

    async with around(postgresql_url, "slow") as harness:
        await harness.engine.open()

        assert await push_one(harness.engine, job()) == 1


async def test_a_migration_that_waits_for_a_table_gives_up_and_changes_nothing(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with around(postgresql_url, "busy") as harness:
        await harness.engine.open()
        wide = Migration(9999, "9999_wide.sql", sql("wide"))
        monkeypatch.setattr(schema, "migrations", lambda: [*migrations(), wide])

        async with harness.session.transaction():
            await harness.session.execute(sql("lock_jobs"))
            with pytest.raises(EngineUnavailable, match="lock timeout"):
                await harness.another().migrate()

        assert await harness.another().migrate() == ["9999_wide.sql"]


async def test_a_user_that_may_make_nothing_works_on_a_store_that_is_made(
    postgresql_url: str,
) -> None:
    url = postgresql_url.replace("://penstock@", "://working_only@")
    if url == postgresql_url:
        pytest.skip("the users of a given server are not ours to make")
    async with around(postgresql_url, "restricted") as owner:
        await owner.engine.open()
        await owner.session.execute(sql("worker_role"))
        try:
            async with around(url, "restricted") as worker:
                await worker.engine.open()
                id = await push_one(worker.engine, job())
                [claim] = await worker.engine.claim_ids([id], ttl=TTL, worker="w")
                assert await worker.engine.ack([Ack(ref=claim.ref)]) == [True]
        finally:
            await owner.session.execute(sql("no_worker_role"))
