"""What a run of one job at a time shares: its presence, and an end that waits for its store."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.engine import Ack
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from penstock.group import Taken
from penstock.handler import Context, FunctionHandler
from penstock.job import Move, State
from penstock.policy import Outcome
from penstock.queue import JobSpec
from penstock.runner.alone import alive, finish
from penstock.runner.processes import Processes
from penstock.runner.running import Running
from penstock.runner.threads import Threads
from tests.installation import Installation, installation, until


async def work(context: Context) -> None:
    """Done at once."""


HANDLERS = {"work": FunctionHandler(work)}
DONE = Outcome(move=Move.ACK)


class Away(MemoryEngine):
    """A store that takes an end at the second try only."""

    tries = 0

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        self.tries += 1
        if self.tries == 1:
            raise EngineUnavailable("away for a test")
        return await super().ack(ends)


async def claimed(at: Installation, *, ttl: timedelta, asked_at: float = float("inf")) -> Running:
    [id] = await at.push(JobSpec("work"))
    [claim] = await at.store.claim_ids([id], ttl=ttl, worker="w1")
    return Running.of(
        Taken(at.store, claim, asked_at), ttl=ttl, threads=Threads(), processes=Processes()
    )


async def test_it_is_present_while_it_runs_and_forgotten_afterwards() -> None:
    at = await installation(HANDLERS)

    async def is_present() -> bool:
        return [one.worker for one in await at.engine.workers()] == ["w1"]

    async with alive(at.group, worker="w1", types=["work"], held=lambda: ()):
        await until(is_present)
    assert list(await at.engine.workers()) == []


async def test_an_end_is_tried_again_while_the_claim_surely_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.runner.alone.PATIENCE", timedelta(0))
    at = await installation(HANDLERS, engine=Away(clock=ManualClock()))
    running = await claimed(at, ttl=timedelta(seconds=15))

    assert await finish(running, DONE)

    assert (await at.job(running.claim.job.id)).state is State.DONE


async def test_an_end_is_not_tried_again_when_others_may_have_the_claim() -> None:
    at = await installation(HANDLERS, engine=Away(clock=ManualClock()))
    running = await claimed(at, ttl=timedelta(seconds=15), asked_at=float("-inf"))

    with pytest.raises(EngineUnavailable):
        await finish(running, DONE)


async def test_the_end_of_a_lost_claim_changes_nothing() -> None:
    at = await installation(HANDLERS)
    running = await claimed(at, ttl=timedelta(seconds=15))
    at.clock.tick(timedelta(seconds=16))
    await at.engine.reclaim(10, ttl=timedelta(seconds=15), worker="w2")

    assert not await finish(running, DONE)

    assert (await at.job(running.claim.job.id)).state is State.READY
