"""Work that may be cancelled from outside."""

import asyncio

import pytest

from penstock.commands.waiting import until_cancelled
from penstock.errors import Cancel


async def test_the_work_returns_what_it_found() -> None:
    async def work() -> int:
        return 5

    assert await until_cancelled(work(), asyncio.Event()) == 5


async def test_the_work_is_stopped_in_order_when_the_event_comes() -> None:
    cancelled, started, tidied = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            tidied.set()

    waiting = asyncio.ensure_future(until_cancelled(work(), cancelled))
    await started.wait()
    cancelled.set()

    with pytest.raises(Cancel):
        await waiting
    assert tidied.is_set()


async def test_a_timeout_of_the_work_itself_is_no_cancel() -> None:
    async def work() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await until_cancelled(work(), asyncio.Event())


async def test_a_cancelled_task_stays_cancelled_even_when_the_event_comes_too() -> None:
    cancelled, started = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    waiting = asyncio.ensure_future(until_cancelled(work(), cancelled))
    await started.wait()
    cancelled.set()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_nothing_is_left_waiting() -> None:
    async def work() -> None:
        return None

    before = asyncio.all_tasks()
    await until_cancelled(work(), asyncio.Event())
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
