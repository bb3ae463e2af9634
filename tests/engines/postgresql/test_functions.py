"""Statements are functions of the schema, made once, and need nothing of the session that calls them."""

import pytest

from penstock.conformance.builders import claims, job, push_one
from penstock.engines.postgresql.functions import _name
from penstock.engines.postgresql.statements import verbs
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]


async def test_every_verb_has_one_function_that_is_made_once(postgresql_url: str) -> None:
    async with around(postgresql_url, "with_functions") as harness:
        await harness.engine.open()
        made = await harness.session.fetch(sql("functions"), harness.schema)

        await harness.reopen()

        assert await harness.session.fetch(sql("functions"), harness.schema) == made
        assert [row["proname"] for row in made] == [_name(verb) for verb in verbs()]


async def test_nobody_else_settles_what_names_mean(harness: PostgresqlHarness) -> None:
    assert await harness.session.fetch(sql("unguarded"), harness.schema) == []


async def test_a_session_is_left_as_it_was(harness: PostgresqlHarness) -> None:
    settings = "enable_seqscan=on&search_path=elsewhere&plan_cache_mode=force_custom_plan"
    foreign = harness.another(setting=settings)
    await foreign.open()

    id = await push_one(foreign, job())

    assert [claim.job.id for claim in await claims(harness.engine)] == [id]
    pool = foreign._database._pool
    assert pool is not None
    [left] = await pool.fetch(sql("planner"))
    assert dict(left) == {
        "enable_seqscan": "on",
        "enable_sort": "on",
        "plan_cache_mode": "force_custom_plan",
        "search_path": "elsewhere",
    }


async def test_stores_in_one_database_do_not_call_each_others_functions(
    postgresql_url: str, harness: PostgresqlHarness
) -> None:
    async with around(postgresql_url, "beside") as beside:
        await beside.engine.open()
        await beside.clean()
        await push_one(beside.engine, job())

        assert await claims(harness.engine) == []
        assert len(await claims(beside.engine)) == 1
