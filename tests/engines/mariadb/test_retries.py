"""What another session undoes, by a lock it holds too long or by a deadlock, runs again unseen by its caller."""

import asyncio

import pytest

from penstock.conformance.builders import (
    assert_conserved,
    deadline,
    job,
    jobs,
    push,
)
from penstock.engine import Cancel, CancelAnswer
from tests.engines.mariadb.harness import MariadbHarness

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("mariadb")]

LONG = 30  # seconds for what takes a lock wait or two


def metric(harness: MariadbHarness, name: str) -> int:
    """How often the server has counted it."""
    [[count]] = harness.ask("metric", name)
    return int(count)


async def test_a_lock_that_does_not_come_in_time_is_asked_for_again(
    harness: MariadbHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.engines.mariadb.session.SECONDS_FOR_A_LOCK", 1)
    hasty = await harness.second()
    [id] = await push(hasty, job())
    timeouts = metric(harness, "lock_timeouts")
    harness.ask("lock")

    deleting = await harness.held_up(hasty.delete([id]))
    async with deadline(LONG):
        while await asyncio.to_thread(metric, harness, "lock_timeouts") == timeouts:
            assert not deleting.done()
        harness.ask("commit")
        assert await deleting == [True]

    await assert_conserved(harness.engine)


async def test_the_victim_of_a_deadlock_runs_again(harness: MariadbHarness) -> None:
    ids = await push(harness.engine, *jobs(*map(str, range(50))))
    deadlocks = metric(harness, "lock_deadlocks")
    harness.ask("deadlock", ids[0])  # all but the first are locked, and much is changed

    cancelling = await harness.held_up(harness.engine.cancel([Cancel(id=id) for id in ids[:2]]))
    async with deadline(LONG):
        await asyncio.to_thread(harness.ask, "deadlock_closed", ids[0])
        assert await cancelling == [CancelAnswer.CANCELLED] * 2

    assert metric(harness, "lock_deadlocks") > deadlocks
    await assert_conserved(harness.engine)
