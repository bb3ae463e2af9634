"""A running job: stopped once, and its slot."""

import asyncio
from datetime import timedelta

import pytest

from penstock.handler import Context, FunctionHandler
from penstock.policy import Failed, GaveUp, Happened, Returned, Stopped
from penstock.queue import JobSpec
from penstock.runner.running import Running, Why
from tests.installation import installation


async def running() -> Running:
    at = await installation({"t": FunctionHandler(lambda context: None)})
    [id] = await at.push(JobSpec("t"))
    [claim] = await at.engine.claim_ids([id], ttl=timedelta(seconds=15), worker="w1")
    context = Context(job=claim.job, params={}, idempotency_key="k")
    return Running(store=at.store, claim=claim, context=context, held_until=0)


async def test_the_first_reason_to_stop_stays() -> None:
    one = await running()

    one.stop(Why.LOST)
    one.stop(Why.STOPPED)

    assert one.why is Why.LOST


async def test_what_is_finishing_is_not_stopped() -> None:
    one = await running()
    one.finishing = True

    one.stop(Why.STOPPED)

    assert one.why is None


async def test_what_has_not_started_when_it_is_stopped_never_does() -> None:
    one = await running()
    attempts: list[Context] = []

    async def attempt(context: Context) -> Happened:
        attempts.append(context)
        return Returned()

    one.task = asyncio.ensure_future(asyncio.sleep(0))
    one.stop(Why.STOPPED)

    assert await one.run(attempt) == Stopped(started=False)
    assert attempts == []
    await one.task  # it was not cancelled


@pytest.mark.parametrize(
    ("why", "happened", "said"),
    [
        (None, Failed(error="e"), Failed(error="e")),
        (Why.STOPPED, Failed(error="e"), Stopped(started=True)),
        (Why.STOPPED, GaveUp(), Stopped(started=True)),
        (Why.STOPPED, Returned(), Returned()),
        (Why.ASKED, Failed(error="e"), GaveUp()),
        (Why.ASKED, GaveUp(error="own words"), GaveUp(error="own words")),
        (Why.ASKED, Returned(), Returned()),
        (Why.LOST, Failed(error="e"), None),
        (Why.LOST, Returned(), Returned()),
    ],
)
async def test_what_may_be_said_of_a_job_whose_handler_was_stopped(
    why: Why | None, happened: Happened, said: Happened | None
) -> None:
    one = await running()

    async def attempt(context: Context) -> Happened:
        if why is not None:
            one.stop(why)
        return happened

    assert await one.run(attempt) == said


async def test_the_slot_is_free_once_the_thread_has_ended() -> None:
    one = await running()
    freed: list[str] = []
    thread = asyncio.get_running_loop().create_future()
    one.context.thread = thread

    one.when_free(lambda: freed.append("free"))
    assert freed == []
    thread.set_result(None)
    await asyncio.sleep(0)

    assert freed == ["free"]
