# long: waking by news, by looks, and where neither may be had
"""Waking: by what the server tells, by a look where it is not heard, and never by what readied nothing."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from penstock.conformance.builders import (
    HOUR,
    NOTHING,
    OTHER,
    QUEUE,
    claim_one,
    claims,
    deadline,
    job,
    push,
)
from penstock.conformance.wait import MOMENT, _assert_true, _assert_woken, _idle
from penstock.engine import Ack, Engine
from penstock.engines.redis import RedisEngine
from penstock.engines.redis.connection import connect
from penstock.engines.redis.keys import channel, keys
from penstock.engines.redis.listener import AGAIN_AFTER, Listener
from penstock.engines.redis.wake import Wake
from tests.engines.redis.harness import RedisHarness
from tests.servers.redis import Server

pytestmark = pytest.mark.server

LONG = timedelta(days=1)


def wake_of(engine: Engine) -> Wake:
    assert isinstance(engine, RedisEngine)
    assert engine._opened is not None
    return engine._opened.wake


async def until(holds: Callable[[], bool]) -> None:
    async with deadline():
        while not holds():  # noqa: ASYNC110  who listens tells only those who wait
            await asyncio.sleep(0)


async def listening(engine: Engine) -> Wake:
    """Idle, hearing what is told, and never looking except after news."""
    wake = wake_of(engine)
    waiting = asyncio.create_task(engine.wait(NOTHING))
    await until(lambda: wake._listener.is_listening)
    await waiting
    wake._pause = wake._pause_while_deaf = LONG
    await _idle(engine)
    return wake


async def count(harness: RedisHarness) -> int:
    return int(await harness.stranger.hget(keys(0)[0], "wakes") or 0)


async def test_many_who_wait_share_one_connection(harness: RedisHarness) -> None:
    await listening(harness.engine)
    waiting = [asyncio.create_task(harness.engine.wait(HOUR)) for _ in range(9)]
    await asyncio.sleep(0)

    [(_, listeners)] = await harness.stranger.pubsub_numsub(channel(0))
    await push(harness.engine, job())

    assert listeners == 1
    async with deadline():
        assert all(await asyncio.gather(*waiting))


async def test_whoever_does_not_wait_has_no_connection_for_it(harness: RedisHarness) -> None:
    await push(harness.engine, job())
    await claims(harness.engine)

    [(_, listeners)] = await harness.stranger.pubsub_numsub(channel(0))

    assert listeners == 0


async def test_what_is_told_is_heard_without_a_look(harness: RedisHarness) -> None:
    await listening(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(await harness.second(), job())

    await _assert_true(waiting)


async def test_whoever_may_not_listen_looks(
    harness: RedisHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with harness.somebody(channels=[]) as engine:
        await _idle(engine)

        await push(harness.engine, job())

        await _assert_woken(engine)
        await push(engine, job())
        await _assert_woken(engine)
        assert not wake_of(engine)._listener.is_listening
    assert "does not let us listen" in caplog.text


async def test_what_somebody_pushes_who_may_not_tell_is_found(harness: RedisHarness) -> None:
    wake = await listening(harness.engine)
    wake._pause = MOMENT
    async with harness.somebody(commands=["-publish"]) as engine:
        await push(engine, job())

        await _assert_woken(harness.engine)


async def test_a_connection_that_was_cut_is_made_again(harness: RedisHarness) -> None:
    wake = await listening(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await harness.stranger.client_kill_filter(_type="pubsub")

    # Something may have happened while nobody heard it.
    await _assert_true(waiting)
    await until(lambda: wake._listener.is_listening)
    await _idle(harness.engine)
    await push(await harness.second(), job())
    await _assert_woken(harness.engine)


async def test_a_server_that_was_away_is_heard_again(
    harness: RedisHarness, redis_server: Server
) -> None:
    if not redis_server.is_private:
        pytest.skip("a given server is not ours to kill")
    wake = await listening(harness.engine)
    redis_server.kill()
    await until(lambda: not wake._listener.is_listening)
    redis_server.start()
    await until(lambda: wake._listener.is_listening)
    await _idle(harness.engine)

    await push(await harness.second(), job())

    await _assert_woken(harness.engine)


async def test_a_server_that_says_nothing_any_more_is_left(harness: RedisHarness) -> None:
    heard = asyncio.Event()
    listener = Listener(connect(harness.url), channel(0), timedelta(milliseconds=50))
    listener.start(lambda _: heard.set())
    await heard.wait()
    heard.clear()

    # It answers nothing to anybody, but keeps its connections.
    await harness.stranger.client_pause(1000)

    async with deadline():
        await heard.wait()
    assert not listener.is_listening
    await listener.close()


async def test_a_server_that_takes_too_long_to_let_us_in_is_asked_again_soon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    client = connect(f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}/0")
    client.connection_pool.connection_kwargs["socket_timeout"] = 0.05
    listener = Listener(client, channel(0))

    pause = await listener._hear_until_lost(lambda _: None)

    assert pause == AGAIN_AFTER
    assert "does not let us listen" not in caplog.text
    await listener.close()
    gone.set()
    silent.close()


async def test_what_readies_nothing_wakes_nobody(harness: RedisHarness) -> None:
    await push(harness.engine, job())
    before = await count(harness)

    held = await claim_one(harness.engine)
    await harness.engine.ack([Ack(ref=held.ref)])
    await push(harness.engine, job(queue=OTHER, delay=HOUR))
    await harness.engine.resume([OTHER])

    assert await count(harness) == before


async def test_a_queue_that_is_opened_for_claims_again_wakes(harness: RedisHarness) -> None:
    await push(harness.engine, job())
    await harness.engine.pause([QUEUE])
    await listening(harness.engine)

    await harness.engine.resume([QUEUE])

    await _assert_woken(harness.engine)


async def test_in_a_burst_every_push_is_found(harness: RedisHarness) -> None:
    other = await harness.second()
    await listening(harness.engine)

    # Whoever has claimed all there was waits for the next push, told or not.
    for _ in range(50):
        [id] = await push(other, job())
        while not (held := await claims(harness.engine)):
            await _assert_woken(harness.engine)
        assert [claim.job.id for claim in held] == [id]


async def test_in_a_burst_most_is_counted_only(harness: RedisHarness) -> None:
    await listening(harness.engine)
    before, told = await count(harness), 0
    async with harness.stranger.pubsub() as ear:
        await ear.subscribe(channel(0))
        await ear.get_message(timeout=1)

        await asyncio.gather(*(push(harness.engine, job()) for _ in range(100)))

        while await ear.get_message(timeout=0.1):
            told += 1
    assert await count(harness) == before + 100
    assert 0 < told < 50


async def test_a_call_counts_once_however_much_it_readies(harness: RedisHarness) -> None:
    before = await count(harness)

    await push(harness.engine, *(job() for _ in range(50)), *(job(queue=OTHER) for _ in range(50)))

    assert await count(harness) == before + 1


async def test_a_clock_that_was_set_back_silences_nobody(harness: RedisHarness) -> None:
    await listening(harness.engine)
    await harness.stranger.hset(keys(0)[0], "told_at", 2**52)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await push(await harness.second(), job())

    await _assert_true(waiting)


async def test_a_store_that_counts_from_the_beginning_again_is_heard(harness: RedisHarness) -> None:
    wake = await listening(harness.engine)
    wake._pause = MOMENT
    await push(harness.engine, job(), job(queue=OTHER))
    await _idle(harness.engine)
    await harness.stranger.hset(keys(0)[0], mapping={"wakes": 0, "told_at": 0})

    await _assert_woken(harness.engine)


async def test_a_push_to_another_store_of_the_database_is_not_heard(harness: RedisHarness) -> None:
    beside = RedisEngine(harness.url, number=1)
    await beside.open()
    await listening(harness.engine)
    await listening(beside)

    await push(beside, job())

    await _assert_woken(beside)
    assert not await harness.engine.wait(MOMENT)
    await beside.close()
    await harness.stranger.unlink(*await harness.names("{penstock:1}:*"))


@pytest.mark.parametrize("told", ["", "a thousand", "-1", "7"])
async def test_what_others_say_on_the_channel_is_a_hint(told: str, harness: RedisHarness) -> None:
    await listening(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await harness.stranger.publish(channel(0), told)

    await _assert_true(waiting)
    await _idle(harness.engine)


async def test_whoever_waits_is_told_of_the_end(harness: RedisHarness) -> None:
    await listening(harness.engine)
    waiting = asyncio.create_task(harness.engine.wait(HOUR))
    await asyncio.sleep(0)

    await harness.engine.close()

    await _assert_true(waiting)
