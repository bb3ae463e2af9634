"""Turns: processes write one after the other, and nobody is waited for who may never come back."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock.conformance.builders import job, push_one
from penstock.engines.sqlite.turn import Turn
from tests.engines.sqlite.harness import SqliteHarness

SOON = 10.0

HOLDER = """
import sys
from pathlib import Path
from penstock.engines.sqlite.turn import Turn

with Turn(Path(sys.argv[1])).taken():
    print("taken", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_a_process(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process has the turn until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "taken\n"
    with holder:
        yield holder
        holder.kill()


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[Turn]:
    made = Turn(tmp_path, patience_seconds=SOON)
    yield made
    made.close()


def test_it_is_taken_and_taken_again(turn: Turn) -> None:
    for _ in range(3):
        with turn.taken():
            pass


def test_one_waits_for_the_other(turn: Turn, tmp_path: Path) -> None:
    with held_by_a_process(tmp_path) as holder:
        taken = threading.Event()
        waiting = threading.Thread(target=lambda: enter(turn, taken))
        waiting.start()
        assert not taken.wait(0.05)

        holder.communicate("")

        assert taken.wait(SOON)
        waiting.join()


def test_a_process_that_is_killed_gives_it_back(turn: Turn, tmp_path: Path) -> None:
    with held_by_a_process(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        taken = threading.Event()

        enter(turn, taken)

        assert taken.is_set()


def test_a_process_that_is_stopped_is_waited_for_once(tmp_path: Path) -> None:
    turn = Turn(tmp_path, patience_seconds=0.2)
    with held_by_a_process(tmp_path) as holder:
        holder.send_signal(signal.SIGSTOP)

        started = time.monotonic()
        for _ in range(50):
            with turn.taken():
                pass
        waited = time.monotonic() - started

        assert 0.2 <= waited < 2 * 0.2

        holder.send_signal(signal.SIGCONT)
        holder.communicate("")
    assert in_order_again(turn, tmp_path)


def test_whoever_gave_up_waiting_does_not_keep_it(tmp_path: Path) -> None:
    impatient = Turn(tmp_path, patience_seconds=0.01)
    patient = Turn(tmp_path, patience_seconds=SOON)
    with held_by_a_process(tmp_path) as holder:
        with impatient.taken():
            pass
        holder.communicate("")

    started = time.monotonic()
    with patient.taken():
        assert time.monotonic() - started < SOON / 2
    patient.close()


def test_those_who_wait_are_not_overtaken(tmp_path: Path) -> None:
    turns = [Turn(tmp_path, patience_seconds=SOON) for _ in range(3)]
    taken: list[int] = []
    mutex = threading.Lock()

    def work(who: int) -> None:
        for _ in range(30):
            with turns[who].taken(), mutex:
                taken.append(who)

    working = [threading.Thread(target=work, args=(who,)) for who in range(3)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join(SOON)

    assert sorted(taken) == [0] * 30 + [1] * 30 + [2] * 30


async def test_an_engine_writes_in_its_turn(harness: SqliteHarness) -> None:
    other = Turn(harness.path.with_name(f"{harness.path.name}-wake"))
    with other.taken():
        pushing = asyncio.create_task(push_one(harness.engine, job()))
        reading = await harness.engine.counts()
        done, _ = await asyncio.wait([pushing], timeout=0.05)
        assert not done
        assert reading == {}

    assert await asyncio.wait_for(pushing, SOON) == 1
    other.close()


async def test_an_engine_goes_on_when_it_is_not_its_turn_for_too_long(
    harness: SqliteHarness,
) -> None:
    other = Turn(harness.path.with_name(f"{harness.path.name}-wake"))
    with other.taken():
        assert await asyncio.wait_for(push_one(harness.engine, job()), SOON) == 1
        assert await asyncio.wait_for(push_one(harness.engine, job()), SOON) == 2
    other.close()


def enter(turn: Turn, taken: threading.Event) -> None:
    with turn.taken():
        taken.set()


def in_order_again(turn: Turn, directory: Path) -> bool:
    """Whether the turn is really ours: another, who does not wait, cannot have it meanwhile."""
    deadline = time.monotonic() + SOON
    other = Turn(directory, patience_seconds=0.01)
    while time.monotonic() < deadline:
        with turn.taken():
            if not other._take_at_once():
                return True
            other._leave()
        os.sched_yield()
    return False
