"""One process of its own: what it comes to, and that nothing of it stays behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from penstock.policy import Failed, Happened, Returned
from penstock.runner import process as process_module
from penstock.runner.messages import Logged, Reported
from penstock.runner.process import Process
from tests.commands.processes import is_gone
from tests.installation import SOON
from tests.runner.tasks import FUNCTION, HEAVY, task

pytestmark = pytest.mark.slow

PARENT = """
import asyncio, sys
from penstock.runner.process import Process
from tests.runner.tasks import HEAVY, task

async def main():
    process = await Process.start()
    await process.run(task(HEAVY, do="burn"), lambda told: print(process.pid, flush=True))

asyncio.run(main())
"""


class Ear:
    """Hears what a process tells, and when it was the first time."""

    def __init__(self) -> None:
        self.told: list[Reported | Logged] = []
        self.began = asyncio.Event()

    def __call__(self, told: Reported | Logged) -> None:
        self.told.append(told)
        self.began.set()

    async def hears(self) -> None:
        async with asyncio.timeout(SOON):
            await self.began.wait()


@asynccontextmanager
async def started() -> AsyncIterator[Process]:
    process = await Process.start()
    try:
        yield process
    finally:
        process.kill()
        await asyncio.wait_for(process.exited, SOON)


async def test_a_process_runs_one_job_after_another() -> None:
    async with started() as process:
        first = await process.run(task(HEAVY, do="echo", path="a"), Ear())
        failed = await process.run(task(HEAVY, do="fail"), Ear())
        second = await process.run(task(HEAVY, do="pid"), Ear())

        assert first == Returned(result='["a",2,"store-7"]')
        assert failed == Failed(error="ValueError: no good")
        assert second == Returned(result=str(process.pid))
        assert process.is_free


async def test_a_job_of_any_size_comes_through() -> None:
    path = "ü\n" * 300_000

    async with started() as process:
        happened = await process.run(task(HEAVY, do="echo", path=path), Ear())

    assert isinstance(happened, Returned)
    assert (happened.result or "").startswith('{"truncated":true')


async def test_what_a_handler_prints_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    ear = Ear()

    async with started() as process:
        happened = await process.run(task(HEAVY, do="print"), ear)

    assert happened == Returned(result='""')
    out, err = capfd.readouterr()
    assert out == ""
    assert {"printed by a handler", "written by a handler"} <= set(err.splitlines())
    assert [told.message for told in ear.told if isinstance(told, Logged)] == [
        "logged\nby a handler",
        "job 7 (mail) said",
    ]


async def test_a_handler_that_blocks_has_the_main_thread_to_itself() -> None:
    async with started() as process:
        happened = await process.run(task(HEAVY, do="main"), Ear())

    assert happened == Returned(result='"alone"')


async def test_a_process_imports_what_its_runner_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("some:where")

    async with started() as process:
        happened = await process.run(task(HEAVY, do="path"), Ear())

    assert isinstance(happened, Returned)
    assert (happened.result or "").startswith('["some:where",')


@pytest.mark.parametrize(
    ("do", "error"),
    [
        ("leave", "its process ended with exit code 3, before its job had"),
        ("die", "its process died with signal 9 (SIGKILL)"),
        ("mute", "its process died with signal 9 (SIGKILL)"),
    ],
)
async def test_a_process_that_dies_fails_its_job(do: str, error: str) -> None:
    async with started() as process:
        happened = await asyncio.wait_for(process.run(task(HEAVY, do=do), Ear()), SOON)

        assert happened == Failed(error=error)
        assert not process.is_free


async def test_a_process_that_is_killed_from_outside_fails_its_job() -> None:
    ear = Ear()
    async with started() as process:
        running = asyncio.ensure_future(process.run(task(HEAVY, do="burn"), ear))
        await ear.hears()

        os.kill(process.pid, signal.SIGKILL)

        happened = await asyncio.wait_for(running, SOON)
        assert happened == Failed(error="its process died with signal 9 (SIGKILL)")


async def test_signals_for_a_whole_service_do_not_end_it() -> None:
    ear = Ear()
    async with started() as process:
        running = asyncio.ensure_future(process.run(task(HEAVY, do="look"), ear))
        await ear.hears()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(process.pid, number)
        running.cancel()

        assert await asyncio.wait_for(running, SOON) == Returned(result='"saw it"')


@pytest.mark.parametrize(
    ("place", "do", "happened"),
    [
        (HEAVY, "look", Returned(result='"saw it"')),
        (FUNCTION, "end", Returned(result='["ended",true]')),
    ],
)
async def test_a_job_that_is_cancelled_may_end_in_order(
    place: str, do: str, happened: Happened
) -> None:
    ear = Ear()
    async with started() as process:
        running = asyncio.ensure_future(process.run(task(place, do=do), ear))
        await ear.hears()

        running.cancel()

        assert await asyncio.wait_for(running, SOON) == happened
        assert process.is_free


async def test_a_job_that_awaits_is_cancelled_and_its_process_is_free() -> None:
    ear = Ear()
    async with started() as process:
        running = asyncio.ensure_future(process.run(task(FUNCTION, do="wait"), ear))
        await ear.hears()

        running.cancel()
        await asyncio.wait({running}, timeout=SOON)

        assert running.cancelled()
        assert await process.run(task(FUNCTION, do="x"), Ear()) == Returned(result='["x",2]')


async def test_a_job_that_does_not_listen_ends_with_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_module, "GRACE", process_module.GRACE / 20)
    ear = Ear()
    async with started() as process:
        running = asyncio.ensure_future(process.run(task(HEAVY, do="burn"), ear))
        await ear.hears()

        running.cancel()
        await asyncio.wait({running}, timeout=SOON)

        assert running.cancelled()
        assert is_gone(process.pid)


@pytest.mark.parametrize("end", ["kill", "death"])
async def test_what_a_job_has_started_ends_with_its_process(end: str) -> None:
    async with started() as process:
        happened = await process.run(task(HEAVY, do="spawn"), Ear())
        assert isinstance(happened, Returned)
        grandchild = int(happened.result or "")

        if end == "kill":
            process.kill()
        else:
            await process.run(task(HEAVY, do="die"), Ear())

        assert await asyncio.to_thread(is_gone, grandchild)


def test_a_runner_that_is_killed_takes_its_processes_with_it() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())

        parent.kill()

        assert is_gone(child)


async def test_killing_what_has_ended_kills_nothing() -> None:
    async with started() as process:
        await process.run(task(HEAVY, do="leave"), Ear())

        process.kill()

    assert process.exited.result() == 3


async def test_a_process_that_the_system_takes_away_has_ended_all_the_same() -> None:
    process = await Process.start()
    running = asyncio.create_task(process.run(task(HEAVY, do="burn"), ear := Ear()))
    await ear.hears()

    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as a handler may do
    try:
        process.kill()
        happened = await asyncio.wait_for(running, SOON)
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert isinstance(happened, Failed)
    assert happened.error.startswith("its process ")
