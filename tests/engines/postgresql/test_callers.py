"""A job that an application pushes in its own transaction runs exactly if that commits, by every driver."""

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from penstock import Penstock
from penstock.conformance.builders import deadline
from penstock.handler import Context, FunctionHandler
from penstock.job import Counts, QueueKey
from penstock.settings import QueueSettings, Settings, StoreSettings
from tests.engines.postgresql.callers import CALLERS, COMMITTED
from tests.engines.postgresql.harness import PostgresqlHarness, sql
from tests.installation import running

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

NOTE = QueueKey("default", "note")


@pytest.fixture
async def application_url(harness: PostgresqlHarness, postgresql_url: str) -> AsyncIterator[str]:
    """Where a user connects who may only push."""
    await harness.session.execute(sql("no_application"))
    await harness.session.execute(sql("application"))
    parts = urlsplit(postgresql_url)
    place = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"penstock_application:application@{place}").geturl()
    await harness.session.execute(sql("no_application"))


@pytest.mark.parametrize("push", CALLERS.values(), ids=CALLERS)
async def test_a_job_runs_exactly_if_its_caller_commits(
    harness: PostgresqlHarness,
    postgresql_url: str,
    application_url: str,
    push: Callable[[str], None],
) -> None:
    seen: asyncio.Queue[object] = asyncio.Queue()

    async def note(context: Context) -> None:
        await seen.put(context.params["word"])

    settings = Settings(stores={"main": StoreSettings(url=postgresql_url)})
    async with (
        Penstock(settings, {"note": FunctionHandler(note)}) as penstock,
        running(penstock.runner()),
    ):
        await asyncio.to_thread(push, application_url)
        async with deadline():
            found = {await seen.get() for _ in COMMITTED}

    assert found == COMMITTED
    assert seen.empty()
    assert (await harness.engine.counts())[NOTE] == Counts(done=2, pushed=2)


async def test_who_may_only_push_can_do_nothing_else(
    harness: PostgresqlHarness, application_url: str
) -> None:
    application = await asyncpg.connect(application_url)
    try:
        assert len(await application.fetch(sql("application_push"))) == 1
        for table in ("job", "waiting", "policy"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.fetch(sql("application_read").replace(":table", table))
    finally:
        await application.close()


async def test_who_may_only_push_cannot_lay_traps_for_the_owner(
    harness: PostgresqlHarness, application_url: str
) -> None:
    application = await asyncpg.connect(application_url)
    try:
        await application.execute(sql("application_trap"))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="taken_text"):
            await application.fetch(sql("application_ahead"))

        assert len(await application.fetch(sql("application_push"))) == 1
    finally:
        await application.close()


async def test_who_was_given_no_right_cannot_push(
    harness: PostgresqlHarness, application_url: str
) -> None:
    await harness.session.execute(sql("application_revoke"))
    application = await asyncpg.connect(application_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="penstock_push"):
            await application.fetch(sql("application_push"))
    finally:
        await application.close()


async def test_what_the_configuration_says_of_a_type_holds_in_sql(
    harness: PostgresqlHarness, postgresql_url: str
) -> None:
    stores = {
        "main": StoreSettings(url=postgresql_url),
        "fast": StoreSettings(url="memory://", number=1, accept_volatile=True),
    }
    queues = {
        "default": QueueSettings(store="main"),
        "note": QueueSettings(max_attempts=8),
        "sms": QueueSettings(store="fast"),
    }
    async with Penstock(Settings(stores=stores, queues=queues)) as penstock:
        [row] = await harness.session.fetch(sql("penstock_push"), '{"type": "note"}')
        assert (await penstock.job(row["id"])).max_attempts == 8

        with pytest.raises(asyncpg.InvalidParameterValueError, match="live in store fast"):
            await harness.session.fetch(sql("penstock_push"), '{"type": "sms"}')
