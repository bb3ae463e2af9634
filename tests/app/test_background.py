"""The thread of a home opens, answers, closes and ends; an error of the opening reaches whoever started it."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from penstock.app import background as module
from penstock.app.background import Background
from penstock.app.home import Home
from tests.app.interruption import Interrupted, main_thread_waits
from tests.installation import SOON, until


class Place:
    """What a thread opens, and what it was seen to do."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.hold: asyncio.Event | None = None

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[Home]:
        home = Home()
        self.seen.append(await asyncio.to_thread(lambda: "opened"))
        home.opened()
        yield home
        await home.leave()
        # A thread for this could not be started any more at the end of the interpreter.
        self.seen.append(await asyncio.to_thread(lambda: threading.current_thread().name))


async def name() -> str:
    return threading.current_thread().name


def test_calls_are_answered_in_the_thread_until_it_is_stopped() -> None:
    place = Place()
    background = Background(place.opening)
    home = background.start()

    answer = home.ask(name)
    assert answer is not None
    assert answer.result(SOON) == "penstock"
    background.stop()

    assert place.seen == ["opened", "penstock"]
    assert "penstock" not in {thread.name for thread in threading.enumerate()}


def test_what_kept_it_from_opening_is_raised_where_it_was_started() -> None:
    refuses = bool(threading.enumerate())

    @asynccontextmanager
    async def opening() -> AsyncIterator[Home]:
        if not refuses:
            yield Home()
        raise OSError("no store")

    with pytest.raises(OSError, match="no store"):
        Background(opening).start()

    assert "penstock" not in {thread.name for thread in threading.enumerate()}


def test_whoever_is_interrupted_while_it_opens_leaves_nothing_open() -> None:
    place = Place()

    @asynccontextmanager
    async def opening() -> AsyncIterator[Home]:
        async with place.opening() as home:
            await until(main_thread_waits)
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.to_thread(interrupted.wait, SOON)
            yield home

    def interrupt(number: int, frame: object) -> None:
        interrupted.set()
        raise Interrupted

    interrupted = threading.Event()
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            Background(opening).start()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert place.seen == ["opened", "penstock"]
    assert "penstock" not in {thread.name for thread in threading.enumerate()}


def test_what_keeps_it_from_closing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Home]:
        yield Home()
        raise OSError("no way")

    background = Background(opening)
    background.start()

    background.stop()

    assert "could not be closed" in caplog.text


def test_a_store_that_does_not_close_holds_nobody_up_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PATIENCE", timedelta(milliseconds=10))
    let_go = threading.Event()

    @asynccontextmanager
    async def opening() -> AsyncIterator[Home]:
        yield Home()
        await asyncio.to_thread(let_go.wait)

    background = Background(opening)
    background.start()
    with caplog.at_level(logging.WARNING):
        background.stop()

    assert "left behind" in caplog.text
    let_go.set()
