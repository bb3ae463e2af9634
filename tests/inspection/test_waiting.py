"""Waiting for jobs to end."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import job as new_job
from penstock.conformance.builders import put
from penstock.engine import Ack, Bury, Cancel
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable, UnknownJob
from penstock.job import ENDED, Job, JobId, NewJob, State
from tests.inspection.desk import LONG, QUEUE, SOON, claimed, inspection

BRIEF = timedelta(milliseconds=1)


class Flaky(MemoryEngine):
    """A store that fails so many reads before it answers again, and lets know of each."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__(clock=ManualClock())
        self.errors = list(errors)
        self.failed = asyncio.Event()

    async def get(self, ids: Sequence[JobId]) -> Sequence[Job | None]:
        if self.errors:
            error = self.errors.pop(0)
            if not self.errors:
                self.failed.set()
            raise error
        return await super().get(ids)


@pytest.mark.parametrize("state", sorted(ENDED))
async def test_a_job_that_has_ended_is_not_waited_for(state: State) -> None:
    engine = MemoryEngine(clock=ManualClock())
    id = await put(engine, state, new_job(queue=QUEUE))

    async with asyncio.timeout(SOON):
        assert (await inspection(engine).ended(id, LONG)).state is state


async def test_a_wait_of_no_time_answers_at_once() -> None:
    engine = MemoryEngine()
    [pushed] = await engine.push([NewJob(queue=QUEUE)])

    async with asyncio.timeout(SOON):
        assert (await inspection(engine).ended(pushed.id, timedelta(0))).state is State.READY


async def test_a_wait_ends_with_the_job_however_and_wherever_it_ends() -> None:
    first, second = MemoryEngine(), MemoryEngine(number=1)
    see = inspection(first, second)
    acked, buried = (
        await claimed(first, NewJob(queue=QUEUE)),
        await claimed(second, NewJob(queue=QUEUE)),
    )
    [waiting] = await first.push([NewJob(queue=QUEUE)])
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as tasks:
        waits = [
            tasks.create_task(see.ended(id, LONG))
            for id in (acked.job.id, acked.job.id, buried.job.id, waiting.id)
        ]
        await asyncio.sleep(0)

        await first.ack([Ack(ref=acked.ref)])
        await second.bury([Bury(ref=buried.ref, error="x")])
        await first.cancel([Cancel(id=waiting.id)])

    states = [wait.result().state for wait in waits]
    assert states == [State.DONE, State.DONE, State.DEAD, State.CANCELLED]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_wait_that_is_up_shows_the_job_as_it_stands_and_others_go_on() -> None:
    engine = MemoryEngine()
    see = inspection(engine)
    claim = await claimed(engine, NewJob(queue=QUEUE))
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as tasks:
        patient = tasks.create_task(see.ended(claim.job.id, LONG))

        hasty = await see.ended(claim.job.id, BRIEF)
        await engine.ack([Ack(ref=claim.ref)])

    assert (hasty.state, patient.result().state) == (State.CLAIMED, State.DONE)


async def test_after_all_have_left_a_new_wait_is_answered_too() -> None:
    engine = MemoryEngine()
    see = inspection(engine)
    claim = await claimed(engine, NewJob(queue=QUEUE))
    await see.ended(claim.job.id, BRIEF)
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as tasks:
        later = tasks.create_task(see.ended(claim.job.id, LONG))
        await asyncio.sleep(0)

        await engine.ack([Ack(ref=claim.ref)])

    assert later.result().state is State.DONE


async def test_who_gives_up_waiting_leaves_nothing_running() -> None:
    engine = MemoryEngine()
    [pushed] = await engine.push([NewJob(queue=QUEUE)])
    waiting = asyncio.create_task(inspection(engine).ended(pushed.id, LONG))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_job_that_is_removed_while_it_is_waited_for_is_unknown() -> None:
    engine = MemoryEngine()
    [pushed] = await engine.push([NewJob(queue=QUEUE)])
    async with asyncio.timeout(SOON):
        waiting = asyncio.create_task(inspection(engine).ended(pushed.id, LONG))
        await asyncio.sleep(0)

        await engine.delete([pushed.id])

        with pytest.raises(UnknownJob):
            await waiting


@pytest.mark.parametrize("error", [EngineUnavailable("away"), ValueError("a row made of cheese")])
async def test_a_wait_goes_on_while_the_store_fails(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    flaky, well = Flaky(), MemoryEngine(number=1)
    see = inspection(flaky, well)
    there, here = (
        await claimed(flaky, NewJob(queue=QUEUE)),
        await claimed(well, NewJob(queue=QUEUE)),
    )
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as tasks:
        waits = [tasks.create_task(see.ended(one.job.id, LONG)) for one in (there, here)]
        await asyncio.sleep(0)
        with caplog.at_level(logging.ERROR, "penstock.inspection"):
            flaky.errors = [error, error]
            await flaky.failed.wait()

        await well.ack([Ack(ref=here.ref)])
        await flaky.ack([Ack(ref=there.ref)])

    assert [wait.result().state for wait in waits] == [State.DONE, State.DONE]
    assert ("made of cheese" in caplog.text) is isinstance(error, ValueError)
