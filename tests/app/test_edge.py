# long: who comes when, at which loop or thread, is one table of cases
"""One home for all: the loop that opened it, else a thread; whoever asks gets there, and nobody waits for ever."""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from penstock.app.edge import Edge
from tests.app.interruption import Interrupted, main_thread_waits
from tests.installation import SOON, until

T = TypeVar("T")


class House:
    """What an edge opens and closes, and in which threads that happened."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.trouble: Exception | None = None
        self.edge = Edge(self.open, lambda: None, self.close)

    async def open(self) -> None:
        self.seen.append(("open", threading.get_ident()))
        if self.trouble is not None:
            raise self.trouble

    async def close(self) -> None:
        self.seen.append(("close", threading.get_ident()))

    @property
    def told(self) -> list[str]:
        return [what for what, _ in self.seen]


async def where() -> int:
    return threading.get_ident()


def test_the_first_use_without_a_loop_opens_it_in_a_thread_once() -> None:
    house = House()

    with ThreadPoolExecutor(16) as threads:
        places = set(threads.map(lambda _: house.edge.wait_for(where), range(64)))
    house.edge.end()
    house.edge.end()

    assert house.told == ["open", "close"]
    assert places == {house.seen[0][1]} == {house.seen[1][1]}
    assert threading.get_ident() not in places


def test_after_the_end_the_next_use_opens_it_again() -> None:
    house = House()
    house.edge.wait_for(where)
    house.edge.end()

    house.edge.wait_for(where)

    house.edge.end()
    assert house.told == ["open", "close"] * 2


def test_what_cannot_be_opened_is_said_and_tried_again_at_the_next_use() -> None:
    house = House()
    house.trouble = OSError("away")
    with pytest.raises(OSError, match="away"):
        house.edge.wait_for(where)
    house.trouble = None

    house.edge.wait_for(where)

    house.edge.end()
    assert house.told == ["open", "close", "open", "close"]


async def test_a_thread_of_the_process_gets_home_to_the_loop_that_opened_it() -> None:
    house = House()
    await house.edge.enter()

    place = await asyncio.to_thread(house.edge.wait_for, where)

    assert place == threading.get_ident()
    await house.edge.leave()
    assert house.told == ["open", "close"]


async def test_the_homes_own_thread_is_refused_with_what_to_write_instead() -> None:
    house = House()
    await house.edge.enter()

    with pytest.raises(RuntimeError, match=r"await penstock\.push"):
        house.edge.wait_for(where)

    await house.edge.leave()


def test_the_thread_itself_may_not_wait_for_its_answers_or_its_end() -> None:
    house = House()

    async def inside() -> None:
        with pytest.raises(RuntimeError, match="would wait for itself"):
            house.edge.wait_for(where)
        with pytest.raises(RuntimeError, match="cannot wait for its end"):
            house.edge.end()

    house.edge.wait_for(inside)
    house.edge.end()
    assert house.told == ["open", "close"]


async def test_a_coroutine_of_another_loop_is_answered_from_home() -> None:
    house = House()
    await house.edge.enter()

    place = await asyncio.to_thread(lambda: asyncio.run(house.edge.carry(where)))

    assert place == await house.edge.carry(where) == threading.get_ident()
    await house.edge.leave()


def test_a_coroutine_is_answered_where_nobody_has_opened_it() -> None:
    house = House()

    async def main() -> int:
        return await house.edge.carry(where)

    assert asyncio.run(main()) == asyncio.run(main()) == house.seen[0][1] != threading.get_ident()
    house.edge.end()


async def test_a_loop_takes_over_from_the_thread() -> None:
    house = House()
    await asyncio.to_thread(house.edge.wait_for, where)

    await house.edge.enter()

    assert house.told == ["open", "close", "open"]
    assert await asyncio.to_thread(house.edge.wait_for, where) == threading.get_ident()
    await house.edge.leave()


async def test_two_loops_are_not_one_home() -> None:
    house = House()
    await house.edge.enter()

    for way in (house.edge.enter, house.edge.leave):
        with pytest.raises(RuntimeError, match="another loop"):
            await asyncio.to_thread(asyncio.run, way())

    assert house.told == ["open"]
    await house.edge.leave()


async def test_a_loop_that_cannot_open_it_is_no_home() -> None:
    house = House()
    house.trouble = OSError("away")

    with pytest.raises(OSError, match="away"):
        await house.edge.enter()

    assert house.told == ["open", "close"]
    house.trouble = None
    await house.edge.enter()
    assert house.told == ["open", "close", "open"]
    await house.edge.leave()


class SlowHouse(House):
    """A house that opens and closes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()

    async def open(self) -> None:
        await self.let.wait()
        await super().open()

    async def close(self) -> None:
        await self.let.wait()
        await super().close()


async def begun(awaitable: Coroutine[object, object, T]) -> asyncio.Task[T]:
    task = asyncio.create_task(awaitable)
    await asyncio.sleep(0)
    return task


async def test_tasks_that_open_it_at_once_have_it_open_when_they_go_on() -> None:
    house = SlowHouse()
    first = await begun(house.edge.enter())

    second, call = await begun(house.edge.enter()), await begun(house.edge.carry(where))

    assert not second.done()
    assert not call.done()
    house.let.set()
    await asyncio.wait_for(asyncio.gather(first, second), SOON)
    assert await asyncio.wait_for(call, SOON) == threading.get_ident()
    assert house.told == ["open"]
    await house.edge.leave()


async def test_what_is_closed_while_it_opens_is_open_first() -> None:
    house = SlowHouse()
    opening, closing = await begun(house.edge.enter()), await begun(house.edge.leave())

    house.let.set()
    await asyncio.wait_for(asyncio.gather(opening, closing), SOON)

    assert house.told == ["open", "close"]


async def test_what_is_opened_while_it_closes_is_opened_anew_and_closed_once() -> None:
    house = SlowHouse()
    house.let.set()
    await house.edge.enter()
    house.let.clear()
    closing, again = await begun(house.edge.leave()), await begun(house.edge.leave())

    opening = await begun(house.edge.enter())
    house.let.set()
    await asyncio.wait_for(asyncio.gather(closing, again, opening), SOON)

    assert house.told == ["open", "close", "open"]
    await house.edge.leave()


async def test_who_waits_for_an_opening_that_fails_tries_it_itself() -> None:
    house = SlowHouse()
    house.trouble = OSError("away")
    both = [await begun(house.edge.enter()), await begun(house.edge.enter())]

    house.let.set()
    failed = await asyncio.wait_for(asyncio.gather(*both, return_exceptions=True), SOON)

    assert [type(one) for one in failed] == [OSError, OSError]
    assert house.told == ["open", "close"] * 2


async def test_whoever_comes_while_it_is_left_is_answered_by_the_next_home() -> None:
    house, let_go = House(), asyncio.Event()
    await house.edge.enter()
    busy = asyncio.create_task(asyncio.to_thread(house.edge.wait_for, let_go.wait))
    leaving = asyncio.create_task(house.edge.leave())
    await asyncio.sleep(0)

    late = asyncio.create_task(asyncio.to_thread(house.edge.wait_for, where))
    let_go.set()
    await asyncio.wait_for(leaving, SOON)

    assert await asyncio.wait_for(busy, SOON)
    assert await asyncio.wait_for(late, SOON) != threading.get_ident()
    await asyncio.to_thread(house.edge.end)
    assert house.told == ["open", "close"] * 2


def test_a_call_whose_caller_is_interrupted_is_cancelled_at_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, over = House(), threading.Event()

    async def endless() -> None:
        await until(main_thread_waits)
        os.kill(os.getpid(), signal.SIGUSR1)
        try:
            await asyncio.Event().wait()
        finally:
            over.set()

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    house.edge.wait_for(where)
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            house.edge.wait_for(endless)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert over.wait(SOON)
    house.edge.end()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_call_that_asks_for_the_end_of_the_process_ends_no_home(
    error: type[BaseException],
) -> None:
    house = House()

    async def leave() -> None:
        raise error

    with pytest.raises(RuntimeError, match=error.__name__):
        house.edge.wait_for(leave)

    assert house.edge.wait_for(where) == house.seen[0][1]
    house.edge.end()
