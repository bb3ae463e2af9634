"""Waking: by a datagram to every process, without looking into the store; a look finds what no datagram told."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from penstock.conformance.builders import (
    HOUR,
    MANY,
    NOTHING,
    OTHER,
    TTL,
    claimed_job,
    deadline,
    job,
    push,
    want,
)
from penstock.engine import Ack, Bury, Cancel, Engine, Feature, Renew, Retry
from penstock.engines.sqlite import SqliteEngine
from penstock.engines.sqlite.wake import Mailbox
from penstock.job import Claim, Presence
from tests.engines.sqlite.harness import SqliteHarness

MOMENT = timedelta(milliseconds=30)


async def blind(harness: SqliteHarness) -> SqliteEngine:
    """An engine that hears what it is told and never looks into the store by itself."""
    engine = await harness.opened(harness.make(look_every=HOUR))
    await settled(engine)
    return engine


async def settled(engine: Engine) -> None:
    while await engine.wait(MOMENT):
        pass


async def test_a_push_of_another_process_is_told_and_not_looked_for(harness: SqliteHarness) -> None:
    engine = await blind(harness)
    waiting = asyncio.create_task(engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(harness.engine, job())

    async with deadline():
        assert await waiting


async def test_a_push_told_while_nobody_waited_is_not_lost(harness: SqliteHarness) -> None:
    engine = await blind(harness)

    for _ in range(30):  # more than a mailbox holds
        await push(harness.engine, job())

    async with deadline():
        assert await engine.wait(HOUR)
        await settled(engine)


async def test_a_push_while_all_were_busy_is_heard_by_every_task(harness: SqliteHarness) -> None:
    engine = await blind(harness)
    busy, pushed = asyncio.Barrier(4), asyncio.Barrier(4)

    async def listen() -> bool:
        await engine.wait(NOTHING)
        await busy.wait()
        await pushed.wait()
        return await engine.wait(HOUR)

    listening = [asyncio.create_task(listen()) for _ in range(3)]
    async with deadline():
        await busy.wait()
        await push(harness.engine, job())
        await pushed.wait()
        heard = await asyncio.gather(*listening)

    assert heard == [True, True, True]


QUIET: dict[str, Callable[[Engine, Claim], Awaitable[object]]] = {
    "ack": lambda engine, held: engine.ack([Ack(ref=held.ref)]),
    "bury": lambda engine, held: engine.bury([Bury(ref=held.ref, error="boom")]),
    "renew": lambda engine, held: engine.renew([Renew(ref=held.ref, ttl=TTL)]),
    "cancel": lambda engine, held: engine.cancel([Cancel(id=held.job.id)]),
    "retry later": lambda engine, held: engine.retry(
        [Retry(ref=held.ref, after=HOUR, error="boom")]
    ),
    "push for later": lambda engine, _: engine.push([job(delay=HOUR)]),
    "announce": lambda engine, _: engine.announce(Presence(worker="w", slots=1), TTL),
    "claim": lambda engine, _: engine.claim([want()], "w"),
    "idle upkeep": lambda engine, _: engine.promote(MANY),
    "pause": lambda engine, _: engine.pause([OTHER]),
}


@pytest.mark.parametrize("name", QUIET)
async def test_what_readies_nothing_wakes_nobody(name: str, harness: SqliteHarness) -> None:
    held = await claimed_job(harness.engine)
    await push(harness.engine, job())
    engine = await blind(harness)
    await settled(harness.engine)

    await QUIET[name](harness.engine, held)

    assert not await engine.wait(MOMENT)
    assert not await harness.engine.wait(MOMENT)


async def test_a_look_into_the_store_does_not_take_an_ack_for_news(harness: SqliteHarness) -> None:
    held = await claimed_job(harness.engine)
    engine = await harness.opened(harness.make(look_every=MOMENT / 10))
    await settled(engine)

    await harness.engine.ack([Ack(ref=held.ref)])

    assert not await engine.wait(MOMENT)


async def test_a_look_into_the_store_finds_what_was_not_told(harness: SqliteHarness) -> None:
    engine = await harness.opened(harness.make(look_every=MOMENT))
    await settled(engine)
    for mailbox in wake_directory(harness.path).glob("*.socket"):
        mailbox.unlink()

    await push(harness.engine, job())

    async with deadline():
        assert await engine.wait(HOUR)


async def test_ones_own_commit_tells_that_another_process_pushed_before(
    harness: SqliteHarness,
) -> None:
    engine = await blind(harness)
    for mailbox in wake_directory(harness.path).glob("*.socket"):
        mailbox.unlink()
    waiting = asyncio.create_task(engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(harness.engine, job())
    await engine.announce(Presence(worker="w", slots=1), TTL)

    async with deadline():
        assert await waiting


async def test_where_no_directory_can_be_had_wait_is_not_promised_and_works(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    wake_directory(harness.path).touch()
    await harness.engine.open()
    another = await harness.second()
    await settled(another)

    await push(harness.engine, job())

    async with deadline():
        assert await another.wait(HOUR)
    assert Feature.WAIT not in harness.engine.features
    assert Feature.DURABLE in harness.engine.features
    await harness.close()


async def test_the_directory_is_for_this_user_only(harness: SqliteHarness) -> None:
    assert wake_directory(harness.path).stat().st_mode & 0o777 == 0o700


async def test_a_close_leaves_no_mailbox_behind(harness: SqliteHarness) -> None:
    another = await harness.second()
    assert len(mailboxes(harness.path)) == 2

    await another.close()

    assert len(mailboxes(harness.path)) == 1


async def test_the_mailbox_of_a_dead_process_is_removed(harness: SqliteHarness) -> None:
    dead = wake_directory(harness.path) / "1-dead.socket"
    opened = os.open(dead.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as leaving:
        leaving.bind(f"/proc/self/fd/{opened}/{dead.name}")
    os.close(opened)
    assert dead in mailboxes(harness.path)

    await push(harness.engine, job())

    assert dead not in mailboxes(harness.path)
    assert len(mailboxes(harness.path)) == 1


async def test_a_path_longer_than_a_socket_may_have_is_fine(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    harness = SqliteHarness(deep)
    await harness.engine.open()
    engine = await blind(harness)

    await push(harness.engine, job())

    async with deadline():
        assert await engine.wait(HOUR)
    assert Feature.WAIT in engine.features
    await harness.close()


def test_a_full_mailbox_holds_nobody_up(tmp_path: Path) -> None:
    one, other = Mailbox(tmp_path), Mailbox(tmp_path)

    for count in range(1, 2000):
        one.tell(count)

    assert other.heard() >= 1
    one.tell(2000)
    assert (other.heard(), other.heard(), one.heard()) == (2000, 0, 0)
    one.close()
    other.close()


def test_telling_survives_the_loss_of_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    one = Mailbox(directory)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()

    one.tell(1)

    one.close()


def test_it_works_on_uvloop(tmp_path: Path) -> None:
    async def wait_for_another() -> bool:
        harness = SqliteHarness(tmp_path)
        await harness.engine.open()
        engine = await blind(harness)
        waiting = asyncio.create_task(engine.wait(HOUR))
        await asyncio.sleep(0)
        await push(harness.engine, job())
        async with deadline():
            heard = await waiting
        await harness.close()
        return heard

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(wait_for_another())


async def test_whoever_gives_up_waiting_leaves_nothing_behind(harness: SqliteHarness) -> None:
    engine = await blind(harness)
    waiting = [asyncio.create_task(engine.wait(HOUR)) for _ in range(3)]
    await asyncio.sleep(0)

    for task in waiting[:2]:
        task.cancel()
    await asyncio.gather(*waiting[:2], return_exceptions=True)
    await push(harness.engine, job())

    async with deadline():
        assert await waiting[2]
    assert [task.cancelled() for task in waiting] == [True, True, False]


def wake_directory(path: Path) -> Path:
    return path.with_name(f"{path.name}-wake")


def mailboxes(path: Path) -> list[Path]:
    return list(wake_directory(path).glob("*.socket"))
