"""What a partition has missed is told once, the last word on each matter, and is bounded."""

import asyncio

import pytest

from penstock.conformance.builders import OTHER, QUEUE, root
from penstock.engine import Registration
from penstock.engines.federated import missed as module
from penstock.engines.federated.missed import Missed
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from tests.engines.federated.line import Cut, Line


async def test_nothing_missed_asks_nothing() -> None:
    line = Line(MemoryEngine())

    await Missed(lambda: 0.0).tell(line.engine)

    assert line.asked == []


async def test_the_last_word_is_told_once() -> None:
    line, missed = Line(MemoryEngine()), Missed(lambda: 0.0)
    missed.pause([QUEUE, OTHER])
    missed.resume([OTHER])

    for _ in range(2):
        await missed.tell(line.engine)

    assert line.asked == ["pause", "resume"]
    assert await line.engine.paused() == {QUEUE}


async def test_what_was_not_heard_is_told_again() -> None:
    line, missed = Line(MemoryEngine()), Missed(lambda: 0.0)
    missed.register([Registration(queue=QUEUE, root=root(1))])
    line.cut = Cut.ON_THE_WAY
    with pytest.raises(EngineUnavailable):
        await missed.tell(line.engine)

    line.cut = Cut.NOWHERE
    await missed.tell(line.engine)

    assert line.asked == ["register", "register"]


async def test_a_word_that_comes_while_another_is_told_is_told_after_it() -> None:
    engine, missed = MemoryEngine(), Missed(lambda: 0.0)
    line = Line(engine)
    missed.pause([QUEUE])

    async def pause_slowly(queues: list[object]) -> None:
        missed.resume([QUEUE])
        await asyncio.sleep(0)
        await engine.pause([QUEUE])

    line.__dict__["pause"] = pause_slowly
    await asyncio.gather(missed.tell(line.engine), missed.tell(line.engine))

    assert await engine.paused() == frozenset()
    assert line.times("resume") == 1


async def test_of_too_many_roots_the_first_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    engine, missed = MemoryEngine(), Missed(lambda: 0.0)

    for name in "abc":
        missed.register([Registration(queue=QUEUE, root=root(1, name))])
    await missed.tell(engine)

    assert [signature for _, signature in engine._roots] == ["b", "c"]


async def test_a_word_of_long_ago_is_not_told_any_more() -> None:
    now = 0.0
    engine, missed = MemoryEngine(), Missed(lambda: now)
    missed.pause([QUEUE])
    missed.register([Registration(queue=QUEUE, root=root(1))])
    now = 500.0
    missed.pause([OTHER])

    now = 700.0
    await missed.tell(engine)

    assert await engine.paused() == {OTHER}
    assert len(engine._roots) == 1
