"""Upkeep: promotes, reclaims, ends what may not run again, purges; and survives its stores."""

import asyncio
from datetime import timedelta

from penstock.clock import ManualClock
from penstock.engine import Ack, JobFilter, Promoted
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable
from penstock.handler import FunctionHandler
from penstock.job import Callback, Delivery, On, State
from penstock.policy import Policy
from penstock.queue import JobSpec
from penstock.upkeep import PROMOTE_EVERY, RECLAIM_EVERY, Upkeep
from tests.installation import Installation, installation, until

HANDLERS = {"t": FunctionHandler(lambda context: None)}
TTL = timedelta(seconds=15)


async def take(at: Installation) -> None:
    [job] = await at.engine.list(JobFilter(state=State.READY), limit=1)
    await at.engine.claim_ids([job.id], ttl=TTL, worker="dead")


async def test_a_due_job_becomes_ready_and_the_pause_ends_when_the_next_is_due() -> None:
    at = await installation(HANDLERS)
    first, second = await at.push(
        JobSpec("t", delay=timedelta(seconds=1)), JobSpec("t", delay=timedelta(seconds=1.1))
    )
    at.clock.tick(timedelta(seconds=1))

    pause = await at.upkeep().promote(at.store)

    assert (await at.job(first)).state is State.READY
    assert (await at.job(second)).state is State.SCHEDULED
    assert pause == timedelta(seconds=0.1)


async def test_with_nothing_scheduled_it_looks_again_in_a_while() -> None:
    at = await installation(HANDLERS)

    assert await at.upkeep().promote(at.store) == PROMOTE_EVERY


async def test_the_job_of_a_dead_worker_is_ready_again_after_its_ttl() -> None:
    at = await installation(HANDLERS)
    [id] = await at.push(JobSpec("t"))
    await take(at)

    await at.upkeep().reclaim(at.store)
    assert (await at.job(id)).state is State.CLAIMED
    at.clock.tick(TTL + timedelta(milliseconds=1))
    pause = await at.upkeep().reclaim(at.store)

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 1)
    assert pause == RECLAIM_EVERY


async def test_a_job_that_kills_its_worker_each_time_ends_dead_with_its_callback() -> None:
    at = await installation(HANDLERS)
    callback = Callback(on=On.FAILED, type="t", params="{}")
    [id] = await at.push(JobSpec("t", max_attempts=2, callbacks=(callback,)))

    for _ in range(2):
        await take(at)
        at.clock.tick(TTL * 2)
        await at.upkeep().reclaim(at.store)

    job = await at.job(id)
    assert job.state is State.DEAD
    assert "attempt 2 of 2" in (job.error or "")
    [told] = job.follow_ups
    assert '"event":"job.dead"' in (await at.job(told.id)).params


async def test_a_lost_at_most_once_job_is_dead_at_once() -> None:
    once = Policy(delivery=Delivery.AT_MOST_ONCE)
    at = await installation(HANDLERS, policies={"t": once})
    [id] = await at.push(JobSpec("t"))
    await take(at)
    at.clock.tick(TTL * 2)

    await at.upkeep().reclaim(at.store)

    job = await at.job(id)
    assert job.state is State.DEAD
    assert (job.error or "").startswith("lost")


async def test_a_lost_job_that_was_asked_to_cancel_ends_cancelled() -> None:
    at = await installation(HANDLERS)
    [id] = await at.push(JobSpec("t"))
    await take(at)
    await at.inspection.cancel(id)
    at.clock.tick(TTL * 2)

    await at.upkeep().reclaim(at.store)

    assert (await at.job(id)).state is State.CANCELLED


async def test_what_retention_no_longer_wants_is_purged() -> None:
    at = await installation(HANDLERS)
    [id] = await at.push(JobSpec("t"))
    [claim] = await at.engine.claim_ids([id], ttl=TTL, worker="w")
    await at.engine.ack([Ack(ref=claim.ref, keep=timedelta(hours=1))])
    at.clock.tick(timedelta(hours=2))

    await at.upkeep().purge(at.store)

    assert await at.engine.get([id]) == [None]


class Flaky(MemoryEngine):
    """Fails at its first promotes, once as stores do and once as bugs do."""

    def __init__(self) -> None:
        super().__init__(clock=ManualClock())
        self.failures: list[Exception] = [EngineUnavailable("away"), RuntimeError("a bug")]

    async def promote(self, limit: int) -> Promoted:
        if self.failures:
            raise self.failures.pop(0)
        return await super().promote(limit)


async def test_a_loop_survives_every_error_and_says_so() -> None:
    engine = Flaky()
    at = await installation(HANDLERS, engine=engine)

    async def troubled() -> bool:
        return "promote:main" in at.health.troubles

    async def works() -> bool:
        return not engine.failures and not at.health.troubles

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(Upkeep(at.group, at.health, worker="w").run())
        await until(troubled)
        await until(works)
        task.cancel()
