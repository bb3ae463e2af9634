"""The heartbeat: how often it beats, and what it stops when it cannot."""

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
from tests.installation import Installation, installation

HANDLERS = {"t": FunctionHandler(lambda context: None)}
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


async def test_it_beats_three_times_within_the_shortest_ttl() -> None:
    short = Policy(ttl=timedelta(seconds=0.3))
    at = await installation(HANDLERS, policies={"t": short})

    assert round(heartbeat(at)._pause(), 6) == 0.1


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
