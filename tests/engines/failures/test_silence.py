"""A server that takes everything and answers nothing: nobody hangs, and all works as soon as it answers again."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from penstock.conformance.builders import (
    assert_conserved,
    claim_one,
    counts_of,
    deadline,
    job,
    key,
    push_one,
)
from penstock.engine import Ack, Engine
from penstock.errors import EngineUnavailable, UnsupportedFeature
from tests.engines.failures.proxy import Proxy
from tests.engines.failures.stores import Store

MOMENT = timedelta(milliseconds=1)
PATIENCE = 1.0  # seconds, of engines that have no more
TOGETHER = 200  # calls, many more than an engine has connections
SESSIONS = 8
SOON = 25

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _hurry(killable: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    killable.hurry(monkeypatch, PATIENCE)


async def test_calls_end_and_the_next_one_works(engine: Engine, proxy: Proxy) -> None:
    await asyncio.gather(*(push_one(engine, job("before")) for _ in range(SESSIONS)))

    proxy.swallow_all()
    async with deadline(SOON):
        calls = (push_one(engine, job("never", idempotency=key())) for _ in range(TOGETHER))
        ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} == {EngineUnavailable}
    proxy.cut_all()
    await proxy.settled()
    proxy.pass_all()

    [settled] = await engine.push([job("never", idempotency=key())])
    assert not settled.replayed
    assert (await counts_of(engine)).pushed == SESSIONS + 1
    held = await claim_one(engine)
    assert await engine.ack([Ack(ref=held.ref)]) == [True]
    await assert_conserved(engine)


async def test_what_arrives_late_is_settled_by_its_key(engine: Engine, proxy: Proxy) -> None:
    await push_one(engine, job("before"))

    proxy.swallow_all()
    with pytest.raises(EngineUnavailable):
        async with deadline(SOON):
            await engine.push([job("late", idempotency=key())])
    proxy.pass_all()
    [pushed] = await engine.push([job("late", idempotency=key())])
    await proxy.settled()
    [again] = await engine.push([job("late", idempotency=key())])

    assert (again.id, again.replayed) == (pushed.id, True)
    assert (await counts_of(engine)).pushed == 2
    await assert_conserved(engine)


async def test_an_answer_that_comes_late_is_an_answer(engine: Engine, proxy: Proxy) -> None:
    proxy.swallow_all()
    pushing = asyncio.ensure_future(push_one(engine, job()))
    await proxy.taken()
    proxy.pass_all()

    async with deadline(SOON):
        assert await pushing


async def test_nobody_waits_for_it_at_the_start(store: Store, proxy: Proxy) -> None:
    other = store.engine(store.through(proxy.port))
    proxy.swallow_all()

    async with deadline(SOON):
        with pytest.raises(EngineUnavailable):
            await other.open()
        await other.close()


async def test_nobody_waits_for_it_at_the_end(engine: Engine, proxy: Proxy) -> None:
    await push_one(engine, job())

    proxy.swallow_all()
    pushing = asyncio.ensure_future(push_one(engine, job()))
    await proxy.taken()
    async with deadline(SOON):
        await engine.close()
        ends = await asyncio.gather(pushing, return_exceptions=True)

    assert {type(end) for end in ends} == {EngineUnavailable}


async def test_whoever_waits_for_jobs_does_not_hang(engine: Engine, proxy: Proxy) -> None:
    try:
        while await engine.wait(MOMENT):
            pass
    except UnsupportedFeature as error:
        pytest.skip(str(error))
    proxy.swallow_all()

    async with deadline(SOON):
        with suppress(EngineUnavailable):
            assert not await engine.wait(MOMENT)
