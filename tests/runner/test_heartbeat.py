"""The heartbeat: how often it beats, and what it stops when it cannot."""

import asyncio
import time
from collections.abc import Collection, Sequence
from datetime import timedelta

from penstock.clock import ManualClock
from penstock.engine import Held, Renew
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from penstock.handler import Context, FunctionHandler
from penstock.job import Presence
from penstock.policy import Policy
from penstock.queue import JobSpec
from penstock.runner.heartbeat import Heartbeat
from penstock.runner.running import Running, Why
from tests.installation import SOON, Installation, installation, until

HANDLERS = {"t": FunctionHandler(lambda context: None)}
SHORT = timedelta(seconds=0.15)
PRESENCE = Presence(worker="w1", slots=3, types=frozenset({"t"}))


class Away(MemoryEngine):
    """A store that cannot renew."""

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        raise EngineUnavailable("away for a test")


async def held(at: Installation, until: float) -> Running:
    [id] = await at.push(JobSpec("t"))
    [claim] = await at.engine.claim_ids([id], ttl=timedelta(seconds=15), worker="w1")
    context = Context(job=claim.job, params={}, idempotency_key="k")
    return Running(store=at.store, claim=claim, context=context, held_until=until)


def heartbeat(at: Installation, running: Collection[Running] = ()) -> Heartbeat:
    return Heartbeat(at.group, at.health, PRESENCE, lambda: running)


async def test_a_beat_makes_the_runner_present() -> None:
    at = await installation(HANDLERS)

    await heartbeat(at).beat(at.store)

    assert list(await at.engine.workers()) == [PRESENCE]


async def test_it_beats_by_the_shortest_ttl() -> None:
    short = Policy(ttl=timedelta(seconds=0.3))
    at = await installation(HANDLERS, policies={"t": short})

    assert heartbeat(at)._shortest() == 0.3


async def test_what_could_not_be_renewed_for_its_ttl_is_stopped_as_lost() -> None:
    at = await installation(HANDLERS, engine=Away(clock=ManualClock()))
    overdue = await held(at, time.monotonic() - 1)
    safe = await held(at, time.monotonic() + 60)
    beat = heartbeat(at, [overdue, safe])

    await beat.beat(at.store)
    beat._stop_overdue()

    assert (overdue.why, safe.why) == (Why.LOST, None)
    assert "heartbeat:main" in at.health.troubles


async def test_a_beat_moves_the_time_after_which_a_claim_counts_as_lost() -> None:
    at = await installation(HANDLERS)
    running = await held(at, time.monotonic() - 1)
    beat = heartbeat(at, [running])

    await beat.beat(at.store)
    beat._stop_overdue()

    assert running.why is None
    assert running.held_until > time.monotonic() + 10


class Odd(MemoryEngine):
    """A store with a bug in its first announcements, or one that does not answer at all."""

    def __init__(self, *, silent: bool = False) -> None:
        super().__init__(clock=ManualClock())
        self.failures = 2
        self.silent = silent

    async def renew(self, renewals: Sequence[Renew]) -> Sequence[Held]:
        if self.silent:
            await asyncio.Event().wait()
        return await super().renew(renewals)

    async def announce(self, presence: Presence, ttl: timedelta) -> None:
        if self.silent:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a bug")
        await super().announce(presence, ttl)


async def test_it_survives_errors_of_any_kind_and_says_so() -> None:
    at = await installation(HANDLERS, engine=Odd(), policies={"t": Policy(ttl=SHORT)})

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(heartbeat(at).run())
        await until(lambda: _troubled(at))
        await until(lambda: _present(at))
        task.cancel()

    assert at.health.troubles == {}


async def test_a_store_that_does_not_answer_keeps_no_other_from_its_beats() -> None:
    at = await installation(HANDLERS)
    silent = await installation(HANDLERS, engine=Odd(silent=True), store="silent")
    at.group.stores = {"silent": silent.store, "main": at.store}

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(heartbeat(at).run())
        await until(lambda: _present(at))
        task.cancel()


async def test_what_is_overdue_is_stopped_also_while_a_store_does_not_answer() -> None:
    at = await installation(HANDLERS, engine=Odd(silent=True), policies={"t": Policy(ttl=SHORT)})
    overdue = await held(at, time.monotonic() - 1)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(heartbeat(at, [overdue]).run())
        async with asyncio.timeout(SOON):
            await overdue.context.cancelled.wait()
        task.cancel()

    assert overdue.why is Why.LOST


async def _present(at: Installation) -> bool:
    return bool(await at.engine.workers())


async def _troubled(at: Installation) -> bool:
    return "heartbeat:main" in at.health.troubles
