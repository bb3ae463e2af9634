"""A home answers from its own loop, to whatever thread asks, until it is left."""

import asyncio
import threading
from concurrent.futures import Future
from datetime import timedelta

import pytest

from penstock.app import home as module
from penstock.app.home import Home
from penstock.errors import EngineUnavailable
from tests.installation import SOON


async def where() -> int:
    return threading.get_ident()


def asked(home: Home) -> "Future[int]":
    future = home.ask(where)
    assert future is not None
    return future


async def test_a_call_from_a_thread_runs_in_the_thread_of_the_home() -> None:
    home = Home()
    home.opened()

    answer = await asyncio.to_thread(lambda: asked(home).result(SOON))

    assert answer == threading.get_ident()
    await home.leave()


async def test_a_home_knows_its_loop_and_its_thread() -> None:
    home = Home()

    elsewhere = await asyncio.to_thread(lambda: (home.is_own_thread, asyncio.run(is_here(home))))

    assert (home.is_own_thread, home.is_here) == (True, True)
    assert elsewhere == (False, False)


async def is_here(home: Home) -> bool:
    return home.is_here


async def test_a_call_that_comes_before_it_is_open_waits_for_that() -> None:
    home = Home()
    early = await asyncio.to_thread(asked, home)
    await asyncio.sleep(0)
    assert not early.done()

    home.opened()

    assert await asyncio.wrap_future(early) == threading.get_ident()


async def test_a_call_that_waits_for_what_never_opens_is_told_so() -> None:
    home = Home()
    early = await asyncio.to_thread(asked, home)

    await home.leave()

    with pytest.raises(EngineUnavailable, match="closed before"):
        await asyncio.wrap_future(early)


async def test_whoever_leaves_waits_for_the_calls_that_are_under_way() -> None:
    home, go, ended = Home(), asyncio.Event(), []

    async def work() -> None:
        await go.wait()
        ended.append("work")

    home.opened()
    await asyncio.to_thread(home.ask, work)
    leaving = asyncio.create_task(home.leave())
    await asyncio.sleep(0)
    assert home.ask(where) is None

    go.set()
    await asyncio.wait_for(leaving, SOON)

    assert ended == ["work"]


async def test_a_call_that_takes_too_long_is_cut_off_and_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE", timedelta(milliseconds=10))
    home = Home()
    home.opened()
    late = await asyncio.to_thread(home.ask, asyncio.Event().wait)
    assert late is not None

    await asyncio.wait_for(home.leave(), SOON)

    with pytest.raises(EngineUnavailable, match="closed before"):
        await asyncio.wrap_future(late)


async def test_whoever_gives_up_cancels_what_was_asked_for() -> None:
    home, began, over = Home(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            over.set()

    home.opened()
    future = await asyncio.to_thread(home.ask, work)
    await began.wait()
    assert future is not None

    await asyncio.to_thread(future.cancel)

    await asyncio.wait_for(over.wait(), SOON)
    await home.leave()


def test_a_loop_that_has_ended_is_said_and_not_waited_for() -> None:
    async def make() -> Home:
        return Home()

    home = asyncio.run(make())

    with pytest.raises(RuntimeError, match="ended without closing it"):
        home.ask(where)
