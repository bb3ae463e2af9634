"""`penstock worker`: what it refuses, and that it ends. How it works and keeps its children is told by the journeys."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from penstock.app import Penstock
from penstock.cli.worker import _Parent
from penstock.settings import Settings, StoreSettings
from tests.cli.command import Shell
from tests.installation import SOON

HANDLERS = """
import asyncio
import threading

from penstock.handler import FunctionHandler, Registry


def block(context):
    print("began", flush=True)
    threading.Event().wait()


async def stubborn(context):
    print("began", flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


registry = Registry({"block": FunctionHandler(block), "stubborn": FunctionHandler(stubborn)})
"""


@pytest.mark.parametrize("words", [("--procs", "0"), ("--procs", "1001"), ("--slots", "0")])
def test_numbers_out_of_range_are_wrong_usage(penstock: Shell, words: tuple[str, str]) -> None:
    assert penstock("worker", *words).code == 2


def test_a_wrong_configuration_ends_it(penstock: Shell) -> None:
    answer = penstock("worker", "--config", "nowhere.toml")

    assert answer.code == 78
    assert "nowhere.toml" in answer.err


def test_a_type_without_a_handler_is_refused(penstock: Shell) -> None:
    answer = penstock("worker", "--type", "htpp")

    assert answer.code == 78
    assert "did you mean http?" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("type", ["block", "stubborn"])
def test_a_handler_that_does_not_end_does_not_hold_up_the_end(
    penstock: Shell, tmp_path: Path, type: str
) -> None:
    (tmp_path / "handlers.py").write_text(HANDLERS)
    app = ("--app", "handlers:registry")
    assert penstock("push", type, *app).code == 0

    with subprocess.Popen(
        [sys.executable, "-m", "penstock.cli", "worker", *app],
        stdout=subprocess.PIPE,
        env={**os.environ, "PENSTOCK_RUNNER_GRACE": "0"},
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"began\n"
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(SOON * 2) == 0
        finally:
            worker.kill()


class Late(_Parent):
    """Is told to stop while its child starts; before that, one child could not be started."""

    failures = 1

    async def _start(self, name: str) -> Process:
        if self.failures:
            self.failures -= 1
            raise OSError("no process can be had")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import signal; signal.pause()"
        )
        self._stop()
        return child


async def test_a_child_that_starts_while_the_parent_is_told_to_stop_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.cli.worker.PAUSE", 0.01)
    store = StoreSettings(url=f"sqlite:///{tmp_path}/a.db")

    async with asyncio.timeout(SOON):
        penstock = Penstock(Settings(stores={"main": store}))
        await Late(penstock, 1).run(penstock)
