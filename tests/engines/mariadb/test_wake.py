"""Whoever waits is woken by this process at once, and by others when the store is looked at."""

import asyncio
from datetime import timedelta

from penstock.conformance.builders import HOUR, NOTHING, deadline
from penstock.engines.mariadb.wake import LONGEST, SHORTEST, Wake

MOMENT = timedelta(milliseconds=1)


class Count:
    """What the store counts, and how often it was looked at."""

    def __init__(self) -> None:
        self.value = 0
        self.looks = 0
        self.looked = asyncio.Event()

    async def look(self) -> int:
        self.looks += 1
        self.looked.set()
        return self.value


async def test_a_commit_of_this_process_wakes_all_at_once() -> None:
    wake = Wake(0, Count().look)
    waiting = [asyncio.create_task(wake.wait(HOUR)) for _ in range(3)]
    await asyncio.sleep(0)

    wake.committed()

    async with deadline():
        assert await asyncio.gather(*waiting) == [True] * 3


async def test_a_commit_of_another_process_is_found_by_looking() -> None:
    count = Count()
    wake = Wake(0, count.look)
    waiting = asyncio.create_task(wake.wait(HOUR))
    await count.looked.wait()

    count.value = 1

    async with deadline():
        assert await waiting


async def test_what_happened_between_two_waits_is_not_missed() -> None:
    count = Count()
    wake = Wake(0, count.look)
    assert not await wake.wait(MOMENT)

    count.value = 1

    async with deadline():
        assert await wake.wait(HOUR)
    # It came while the wait was on, so the next wait may tell it once more.
    assert False in [await wake.wait(MOMENT) for _ in range(2)]


async def test_a_task_is_not_told_again_what_it_was_told() -> None:
    wake = Wake(0, Count().look)
    wake.committed()

    assert await wake.wait(NOTHING)
    assert not await wake.wait(NOTHING)


async def test_many_that_wait_look_as_often_as_one() -> None:
    count = Count()
    wake = Wake(0, count.look)

    await asyncio.gather(*(wake.wait(4 * SHORTEST) for _ in range(20)))

    assert 1 <= count.looks <= 5


async def test_looks_grow_rare_where_nothing_happens() -> None:
    wake = Wake(0, Count().look)
    while wake._pause < LONGEST:
        wake._looked_at = 0.0
        assert not await wake.wait(NOTHING)

    wake.committed()

    assert wake._pause == SHORTEST


async def test_the_end_wakes_all() -> None:
    wake = Wake(0, Count().look)
    waiting = asyncio.create_task(wake.wait(HOUR))
    await asyncio.sleep(0)

    wake.end()

    async with deadline():
        await waiting
