"""Several processes on one file: a server and two workers, say."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from penstock.conformance.builders import (
    HOUR,
    QUEUE,
    assert_conserved,
    claims,
    counts_of,
    deadline,
    job,
    names,
)
from penstock.engine import Ack
from penstock.job import Counts
from tests.engines.sqlite.children import child, line_of, lines_of
from tests.engines.sqlite.harness import SqliteHarness

SLOW_START = 30
MOMENT = timedelta(milliseconds=30)


@pytest.mark.slow
async def test_three_processes_push_and_two_of_them_claim_each_job_once(
    harness: SqliteHarness,
) -> None:
    path, each = harness.path, 300
    async with AsyncExitStack() as stack, deadline(SLOW_START):
        pushing = [
            await stack.enter_async_context(child("push_many", path, f"child {n}", str(each)))
            for n in range(2)
        ]
        draining = [
            await stack.enter_async_context(child("drain", path, f"worker {n}", str(3 * each)))
            for n in range(2)
        ]
        for n in range(each):
            await harness.engine.push([job(f"parent {n}")])
        for process in pushing:
            await lines_of(process)
        done = [await lines_of(process) for process in draining]

    everybody = ("parent", "child 0", "child 1")
    pushed = sorted(f"{who} {n}" for who in everybody for n in range(each))
    assert sorted([*done[0], *done[1]]) == pushed
    assert await counts_of(harness.engine) == Counts(done=3 * each, pushed=3 * each)
    assert harness.ask("pragma integrity_check") == [("ok",)]
    await assert_conserved(harness.engine)


async def test_a_push_of_another_process_wakes_by_telling(harness: SqliteHarness) -> None:
    engine = await harness.opened(harness.make(look_every=HOUR))
    async with child("push_when_told", harness.path) as pusher, deadline(SLOW_START):
        assert await line_of(pusher) == "open"
        while await engine.wait(MOMENT):
            pass
        waiting = asyncio.create_task(engine.wait(HOUR))
        await asyncio.sleep(0)

        assert pusher.stdin is not None
        pusher.stdin.write(b"now\n")

        assert await waiting
    assert names(await claims(engine)) == ["told"]


async def test_processes_that_open_an_empty_file_at_once_share_one_store(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    async with AsyncExitStack() as stack, deadline(SLOW_START):
        opening = [await stack.enter_async_context(child("just_open", path)) for _ in range(4)]
        for process in opening:
            assert await line_of(process) == "ready"
        answers = await asyncio.gather(*(lines_of(process) for process in opening))

    assert [len(said) for said in answers] == [1] * 4
    assert len({said[0] for said in answers}) == 1


async def test_engines_that_open_an_empty_file_at_once_share_one_store(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)

    engines = await asyncio.gather(*(harness.second() for _ in range(4)))

    assert len({engine.identity.uuid for engine in engines}) == 1
    await engines[0].push([job()])
    [held] = await claims(engines[1])
    assert await engines[2].ack([Ack(ref=held.ref)]) == [True]
    assert (await counts_of(engines[3], QUEUE)).done == 1
    await harness.close()
