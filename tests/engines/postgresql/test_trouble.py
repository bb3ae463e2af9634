"""A server that is away, or comes in the way, is told in our words; what was answered survives it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from penstock.conformance.builders import (
    assert_conserved,
    claimed_job,
    claims,
    job,
    names,
    push,
    push_one,
    read,
)
from penstock.engine import Bury, Renew
from penstock.engines.postgresql import PostgresqlEngine
from penstock.engines.postgresql.trouble import TRIES, translated
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import JobId, Progress, State
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql
from tests.servers import running
from tests.servers.postgresql import PrivateServer, private

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    """A server that may be stopped and started."""
    with running(private) as started:
        yield started


async def test_nobody_at_the_url_is_unavailable(tmp_path: Path) -> None:
    engine = PostgresqlEngine(f"postgresql://somebody@/some?host={tmp_path}")

    with pytest.raises(EngineUnavailable, match="cannot do it now"):
        await engine.open()
    await engine.close()


@pytest.mark.parametrize("password", ["sec#ret", "sec/ret", "sec?ret", "ok@here:secret"])
async def test_a_url_that_cannot_be_read_is_no_passing_trouble_and_kept_secret(
    password: str,
) -> None:
    engine = PostgresqlEngine(f"postgresql://somebody:{password}@here:5432/some")

    with pytest.raises(EngineError, match="url cannot be read; write") as refused:
        await engine.open()
    assert not isinstance(refused.value, EngineUnavailable)
    assert "sec" not in str(refused.value)


async def test_a_database_that_does_not_exist_is_no_passing_trouble(postgresql_url: str) -> None:
    engine = PostgresqlEngine(urlsplit(postgresql_url)._replace(path="/not_there").geturl())

    with pytest.raises(EngineError, match="not_there") as refused:
        await engine.open()
    assert not isinstance(refused.value, EngineUnavailable)
    await engine.close()


async def test_a_session_that_is_cut_is_told_and_replaced(harness: PostgresqlHarness) -> None:
    async with harness.session.transaction():
        await harness.session.execute(sql("lock"))
        pushing = await harness.held_up(harness.engine.push([job("lost")]))
        await harness.session.execute(sql("cut"))
        with pytest.raises(EngineUnavailable):
            await pushing

    await push(harness.engine, job("a"))
    assert names(await claims(harness.engine)) == ["a"]
    await assert_conserved(harness.engine)


async def test_a_statement_that_is_undone_by_another_call_runs_again() -> None:
    tries = 0

    async def in_the_way_at_first() -> str:
        nonlocal tries
        tries += 1
        if tries < TRIES:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return "done"

    assert (await translated(in_the_way_at_first), tries) == ("done", TRIES)


async def test_a_statement_that_is_undone_each_time_is_unavailable() -> None:
    tries = 0

    async def in_the_way() -> None:
        nonlocal tries
        tries += 1
        raise asyncpg.SerializationError("could not serialize")

    with pytest.raises(EngineUnavailable, match="could not serialize"):
        await translated(in_the_way)
    assert tries == TRIES


async def test_what_the_server_refuses_is_no_passing_trouble(harness: PostgresqlHarness) -> None:
    with pytest.raises(EngineError, match="refused it") as refused:
        await harness.engine.push([job(params="\ud800")])
    assert not isinstance(refused.value, EngineUnavailable)

    assert await harness.engine.counts() == {}


async def test_what_a_handler_said_is_kept_as_far_as_the_server_can(
    harness: PostgresqlHarness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    await engine.renew(
        [Renew(ref=held.ref, ttl=None, progress=Progress(percent=1, message="\0 \ud800 ä"))]
    )
    assert await engine.bury([Bury(ref=held.ref, error="NUL \0, half \udc80, whole 🚰")]) == [True]

    dead = await read(engine, held.job.id)
    assert dead.error == "NUL \N{REPLACEMENT CHARACTER}, half ?, whole 🚰"
    assert dead.progress == Progress(percent=1, message="\N{REPLACEMENT CHARACTER} ? ä")


async def test_every_answered_push_survives_a_crash_of_the_server(server: PrivateServer) -> None:
    answered: list[JobId] = []
    enough = asyncio.Event()

    async def push_on(engine: PostgresqlEngine) -> None:
        while True:
            answered.append(await push_one(engine, job()))
            if len(answered) > 100:
                enough.set()

    async with around(server.url) as harness:
        await harness.engine.open()
        pushing = [asyncio.create_task(push_on(harness.engine)) for _ in range(4)]
        await enough.wait()
        await asyncio.to_thread(server.stop, "immediate")
        ends = await asyncio.gather(*pushing, return_exceptions=True)
        await asyncio.to_thread(server.start)

        assert {type(end) for end in ends} == {EngineUnavailable}
        found = await harness.engine.get(answered)
        assert {each and each.state for each in found} == {State.READY}
        await assert_conserved(harness.engine)
