"""A queue that is moved by a process which is killed on the way, and by the next."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from penstock.conformance.builders import everything, job, names, push
from penstock.engine import JobFilter
from penstock.engines.sqlite import SqliteEngine
from penstock.job import State
from tests.journeys.processes import SOON, Running, started

pytestmark = pytest.mark.slow

MANY = 2000
CONFIG = """
[stores.main]
url = "sqlite:///main.db"

[stores.other]
url = "sqlite:///other.db"
number = 1

[queues.mail]
store = "other"

[queues.default]
store = "main"
"""
MOVE = ("copy-queue", "--type", "mail", "--from", "main", "--to", "other", "--batch", "5", "--move")


async def waiting(engine: SqliteEngine) -> int:
    """How many jobs wait in it."""
    return sum(one.scheduled + one.ready for one in (await engine.counts()).values())


async def at_work(target: SqliteEngine) -> None:
    """Some jobs have arrived since now."""
    before = await waiting(target)
    async with asyncio.timeout(SOON):
        while await waiting(target) < before + 50:  # noqa: ASYNC110  what a store holds tells nobody
            await asyncio.sleep(0)


async def interrupted(config: Path, target: SqliteEngine, number: signal.Signals) -> Running:
    """A process that was at work when the signal came."""
    async with started(config, *MOVE) as running:
        await at_work(target)
        running.send(number)
        await running.ends()
        return running


@pytest.mark.parametrize(("number", "times"), [(signal.SIGKILL, 2), (signal.SIGTERM, 1)])
async def test_the_next_run_finishes_what_a_dead_one_began(
    tmp_path: Path, number: signal.Signals, times: int
) -> None:
    config = tmp_path / "penstock.toml"
    config.write_text(CONFIG)
    source = SqliteEngine(f"sqlite:///{tmp_path}/main.db")
    target = SqliteEngine(f"sqlite:///{tmp_path}/other.db", number=1)
    for engine in (source, target):
        await engine.open()
    for first in range(0, MANY, 1000):
        await push(source, *(job(str(first + n)) for n in range(1000)))

    for _ in range(times):
        killed = await interrupted(config, target, number)
        assert killed.process.returncode == (-9 if number is signal.SIGKILL else 130)
        assert 0 < await waiting(source) < MANY
        # An orderly end lets the source go on; a killed one cannot.
        assert bool(await source.paused()) == (number is signal.SIGKILL)
    async with started(config, *MOVE) as last:
        assert await last.ends() == 0

    there = names(await everything(target, JobFilter(type="mail", state=State.READY)))
    assert await waiting(source) == 0
    assert Counter(there) == Counter(str(n) for n in range(MANY))
    for engine in (source, target):
        await engine.close()
