"""A server that is away, or comes in the way, is told in our words; what was answered survives it."""

import asyncio
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
import pytest

from penstock.conformance.builders import (
    HOUR,
    NOTHING,
    SECOND,
    assert_conserved,
    claim_one,
    claimed_job,
    claims,
    counts_of,
    deadline,
    job,
    jobs,
    names,
    push,
    push_one,
    read,
    want,
)
from penstock.engine import Ack, Bury, Renew
from penstock.engines.mariadb import MariadbEngine
from penstock.engines.mariadb.address import address_of
from penstock.engines.mariadb.database import TRIES, Adrift, Database
from penstock.engines.mariadb.session import LONGEST_TEXT, SECONDS_UNHEARD, Session, _way_to
from penstock.engines.mariadb.statements import call
from penstock.errors import EngineError, EngineUnavailable
from penstock.job import Progress
from tests.engines.mariadb.harness import MariadbHarness
from tests.servers.mariadb import Server

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mariadb")]

DEADLOCK = (1213, "Deadlock found when trying to get lock")


def database_of(harness: MariadbHarness) -> Database:
    return harness.engine._database


async def test_nobody_at_the_url_is_unavailable(tmp_path: Path) -> None:
    engine = MariadbEngine(f"mariadb://somebody@localhost/some?socket={tmp_path}/none")

    with pytest.raises(EngineUnavailable, match="cannot do it now"):
        await engine.open()
    await engine.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name these options otherwise")
async def test_a_host_that_is_gone_without_a_word_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        way = _way_to(address_of(f"mariadb://127.0.0.1:{listening.getsockname()[1]}/any"), 5)
        with way:
            assert way.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert way.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < SECONDS_UNHEARD
            milliseconds = way.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert milliseconds == SECONDS_UNHEARD * 1000


async def test_a_database_that_does_not_exist_is_no_passing_trouble(
    mariadb_server: Server,
) -> None:
    engine = MariadbEngine(mariadb_server.url("not_there"))

    with pytest.raises(EngineError, match=r"not_there.*create database") as refused:
        await engine.open()
    assert not isinstance(refused.value, EngineUnavailable)
    await engine.close()


async def test_a_user_who_is_not_let_in_is_no_passing_trouble(mariadb_server: Server) -> None:
    parts = urlsplit(mariadb_server.url("any"))
    engine = MariadbEngine(parts._replace(netloc="nobody:wrong@localhost").geturl())

    with pytest.raises(EngineError, match="Access denied") as refused:
        await engine.open()
    assert not isinstance(refused.value, EngineUnavailable)
    await engine.close()


async def test_a_session_that_is_cut_in_its_work_is_told_and_replaced(
    harness: MariadbHarness,
) -> None:
    held = await claimed_job(harness.engine)
    begun, cut = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(session: Session) -> None:
        session.run(call("transaction.begin"))
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(cut.wait(), loop).result()
        session.run(call("transaction.commit"))

    working = asyncio.create_task(database_of(harness).run(work))
    await begun.wait()
    await asyncio.to_thread(harness.cut)
    cut.set()
    with pytest.raises(EngineUnavailable):
        await working

    assert await harness.engine.ack([Ack(ref=held.ref)]) == [True]
    await assert_conserved(harness.engine)


async def test_sessions_that_are_in_doubt_are_looked_at_before_they_are_used(
    harness: MariadbHarness,
) -> None:
    together = [push_one(harness.engine, job(str(number))) for number in range(8)]
    await asyncio.gather(*together)
    await asyncio.to_thread(harness.cut)

    ends = await asyncio.gather(
        *(harness.engine.counts() for _ in range(8)), return_exceptions=True
    )
    assert all(isinstance(end, dict | EngineUnavailable) for end in ends)

    for number in range(20):
        await push_one(harness.engine, job(str(number)))
    await assert_conserved(harness.engine)


async def test_work_that_is_undone_by_another_call_runs_again(harness: MariadbHarness) -> None:
    tries = 0

    def in_the_way_at_first(session: Session) -> str:
        nonlocal tries
        tries += 1
        session.run(call("transaction.begin"), call("transaction.wake"))
        if tries == 2:
            raise Adrift
        if tries < TRIES:
            raise pymysql.err.OperationalError(*DEADLOCK)
        session.run(call("transaction.commit"))
        return "done"

    [[[before]]] = await database_of(harness).run(lambda session: session.run(call("wait")))
    assert (await database_of(harness).run(in_the_way_at_first), tries) == ("done", TRIES)
    [[[after]]] = await database_of(harness).run(lambda session: session.run(call("wait")))
    assert after == (before or 0) + 1


async def test_work_that_is_undone_each_time_is_unavailable(harness: MariadbHarness) -> None:
    tries = 0

    def in_the_way(_: Session) -> None:
        nonlocal tries
        tries += 1
        raise pymysql.err.OperationalError(*DEADLOCK)

    with pytest.raises(EngineUnavailable, match="Deadlock"):
        await database_of(harness).run(in_the_way)
    assert tries == TRIES


async def test_a_lost_connection_is_never_tried_again(harness: MariadbHarness) -> None:
    tries = 0

    def lost(_: Session) -> None:
        nonlocal tries
        tries += 1
        raise pymysql.err.OperationalError(2013, "Lost connection during query")

    with pytest.raises(EngineUnavailable, match="Lost connection"):
        await database_of(harness).run(lost)
    assert tries == 1
    assert await push_one(harness.engine, job())


async def test_what_fails_leaves_nothing_under_way(harness: MariadbHarness) -> None:
    def half(session: Session) -> None:
        session.run(call("transaction.begin"), call("transaction.wake"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database_of(harness).run(half)

    async with deadline():
        await push(harness.engine, job())


async def test_what_the_server_refuses_is_no_passing_trouble(harness: MariadbHarness) -> None:
    for bad in (job(params="\ud800"), job(params="\udc80"), job(priority=2**80)):
        with pytest.raises(EngineError, match=r"refused it|does not take it") as refused:
            await harness.engine.push([bad])
        assert not isinstance(refused.value, EngineUnavailable)

    assert await harness.engine.counts() == {}


async def test_what_a_handler_said_is_kept_as_far_as_the_server_can(
    harness: MariadbHarness,
) -> None:
    engine = harness.engine
    held = await claimed_job(engine)

    await engine.renew(
        [Renew(ref=held.ref, ttl=None, progress=Progress(percent=1, message="\0 \ud800 ä"))]
    )
    assert await engine.bury([Bury(ref=held.ref, error="NUL \0, half \udc80, whole 🚰")]) == [True]

    dead = await read(engine, held.job.id)
    assert dead.error == "NUL \0, half ?, whole 🚰"
    assert dead.progress == Progress(percent=1, message="\0 ? ä")


async def test_a_push_of_more_than_a_packet_is_stored_whole_or_not_at_all(
    harness: MariadbHarness,
) -> None:
    long = ["'" * 900_000 + str(number) for number in range(6)]
    assert sum(map(len, long)) > LONGEST_TEXT

    ids = await push(harness.engine, *(job(text) for text in long), job("keyed", dedupe_key="k"))
    with pytest.raises(EngineError):
        await harness.engine.push([*(job(text) for text in long), job("bad", priority=2**80)])

    assert ids == sorted(ids)
    assert names(await claims(harness.engine, want(limit=6))) == long
    assert (await counts_of(harness.engine)).pushed == 7
    await assert_conserved(harness.engine)


async def test_a_long_error_and_result_are_kept_whole(harness: MariadbHarness) -> None:
    held = await claimed_job(harness.engine)
    error, result = "ä" * 300_000, '"' + "r" * 300_000 + '"'

    await harness.engine.bury([Bury(ref=held.ref, error=error, result=result)])

    dead = await read(harness.engine, held.job.id)
    assert (dead.error, dead.result) == (error, result)


async def test_a_claim_never_begins_before_its_job_was_ready(harness: MariadbHarness) -> None:
    await push(harness.engine, *jobs("a", "b"))
    await harness.age(-HOUR)  # the server's clock went back

    held = await claim_one(harness.engine)
    await harness.engine.ack([Ack(ref=held.ref)])

    done = await read(harness.engine, held.job.id)
    assert done.claimed_at is not None
    assert done.finished_at is not None
    assert done.pushed_at <= done.claimed_at <= done.finished_at
    assert held.until - done.claimed_at > NOTHING + SECOND


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(
    harness: MariadbHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.engines.mariadb.engine.PATIENCE", SECOND / 10)
    id = await push_one(harness.engine, job())
    harness.ask("lock")

    deleting = await harness.held_up(harness.engine.delete([id]))
    async with deadline():
        await harness.engine.close()

    with pytest.raises(EngineUnavailable):
        await deleting
