# long: every move that people can make, and all that may happen while one waits
"""What people may see and do: one job, totals, cancel, requeue, delete, and waiting for an end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import job as new_job
from penstock.conformance.builders import put
from penstock.engine import Ack, Bury, Cancel, CancelAnswer, Engine
from penstock.engines.memory import MemoryEngine
from penstock.errors import EngineUnavailable, UnknownJob, WrongState
from penstock.events import Events
from penstock.group import QueueGroup, Store
from penstock.handler import FunctionHandler, Registry
from penstock.inspection import CallbackState, Health, Inspection, Totals
from penstock.job import (
    CALLBACK_TYPE,
    Callback,
    Claim,
    Details,
    Job,
    JobId,
    NewJob,
    On,
    Presence,
    QueueKey,
    State,
)
from penstock.policy import Policies, Policy

QUEUE = QueueKey("default", "mail")
TTL = timedelta(seconds=15)
LONG = timedelta(seconds=30)
SOON = 5  # seconds
BRIEF = timedelta(milliseconds=1)
HANDLERS = {"mail": FunctionHandler(lambda context: None)}


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


class Overtaken(MemoryEngine):
    """A store in which another one is faster: the job has ended, or is gone, when a move comes."""

    gone = False

    async def cancel(self, cancels: Sequence[Cancel]) -> Sequence[CancelAnswer]:
        await self._overtake([cancel.id for cancel in cancels])
        return await super().cancel(cancels)

    async def delete(self, ids: Sequence[JobId]) -> Sequence[bool]:
        await self._overtake(ids)
        return await super().delete(ids)

    async def _overtake(self, ids: Sequence[JobId]) -> None:
        if self.gone:
            await super().delete(ids)
            return
        for claim in await self.claim_ids(ids, ttl=TTL, worker="rival"):
            await self.ack([Ack(ref=claim.ref)])


def inspection(*engines: Engine, policy: Policy | None = None) -> Inspection:
    """What can be seen of these stores."""
    policies = Policies(Policy(), {"mail": policy or Policy()})
    stores = {
        f"store{number}": Store(f"store{number}", engine, policies, Events())
        for number, engine in enumerate(engines)
    }
    registry = Registry(HANDLERS)
    return Inspection(QueueGroup(stores, default="store0", policies=policies, registry=registry))


async def claimed(engine: Engine, new: NewJob) -> Claim:
    [pushed] = await engine.push([new])
    [claim] = await engine.claim_ids([pushed.id], ttl=TTL, worker="w1")
    return claim


@pytest.mark.parametrize("id", [1, 10**13 + 1, 7 * 10**13, 0, -5, 2**70])
async def test_a_job_that_is_not_there_is_unknown(id: int) -> None:
    with pytest.raises(UnknownJob, match=f"no job {id}"):
        await inspection(MemoryEngine(), MemoryEngine(number=1)).job(JobId(id))


async def test_a_job_is_found_in_the_store_that_gave_its_id() -> None:
    first, second = MemoryEngine(), MemoryEngine(number=1)
    [pushed] = await second.push([NewJob(queue=QUEUE)])

    job = await inspection(first, second).job(pushed.id)

    assert (job.id, job.queue) == (10**13 + 1, QUEUE)


async def test_totals_are_those_of_all_stores_without_callbacks() -> None:
    first, second = MemoryEngine(), MemoryEngine(number=1)
    callback = NewJob(queue=QueueKey("default", CALLBACK_TYPE))
    for engine in (first, second):
        for state in State:
            await put(engine, state)
        await engine.push([callback, callback])
        await engine.claim_ids([(await engine.push([callback]))[0].id], ttl=TTL, worker="w1")
        await engine.announce(Presence(worker="w1", slots=20), TTL)
    await second.announce(Presence(worker="w2", slots=3), TTL)

    assert await inspection(first, second).totals() == Totals(waiting=4, working=2, slots=23)


async def test_totals_of_nothing_are_zeros() -> None:
    assert await inspection(MemoryEngine()).totals() == Totals(waiting=0, working=0, slots=0)


async def test_a_runner_that_is_gone_has_no_slots() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    await engine.announce(Presence(worker="w1", slots=20), TTL)

    clock.tick(TTL)

    assert (await inspection(engine).totals()).slots == 0


async def test_callbacks_are_shown_with_what_became_of_them() -> None:
    engine = MemoryEngine()
    see = inspection(engine)
    new = NewJob(
        queue=QUEUE,
        details=Details(callbacks=(Callback(on=On.FAILED, type="http", params="{}"),)),
    )
    [pushed] = await engine.push([new])
    before = await see.callbacks(await see.job(pushed.id))

    cancelled = await see.cancel(pushed.id)
    [shown] = await see.callbacks(cancelled)
    await engine.delete([shown.id])
    [gone] = await see.callbacks(cancelled)

    assert before == ()
    assert shown == CallbackState("failed", shown.id, "ready")
    assert gone == CallbackState("failed", shown.id, None)


@pytest.mark.parametrize("state", [State.READY, State.SCHEDULED])
async def test_a_waiting_job_is_cancelled_at_once(state: State) -> None:
    engine = MemoryEngine(clock=ManualClock())
    id = await put(engine, state, new_job(queue=QUEUE))

    job = await inspection(engine).cancel(id)

    assert (job.id, job.state, job.error) == (id, State.CANCELLED, "cancelled while it waited")


async def test_a_claimed_job_is_asked_to_stop_and_nothing_follows_yet() -> None:
    engine = MemoryEngine(clock=ManualClock())
    callback = Callback(on=On.FAILED, type="http", params="{}")
    claim = await claimed(engine, NewJob(queue=QUEUE, details=Details(callbacks=(callback,))))

    job = await inspection(engine).cancel(claim.job.id)

    assert (job.state, job.cancel_requested, job.follow_ups) == (State.CLAIMED, True, ())


async def test_a_cancelled_job_that_is_not_kept_is_answered_all_the_same() -> None:
    engine = MemoryEngine(clock=ManualClock())
    see = inspection(engine, policy=Policy(keep_dead=timedelta(0)))
    [pushed] = await engine.push([NewJob(queue=QUEUE, delay=LONG)])

    job = await see.cancel(pushed.id)

    assert (job.id, job.state, job.run_at) == (pushed.id, State.CANCELLED, None)
    with pytest.raises(UnknownJob):
        await see.job(pushed.id)


ENDED = [State.DONE, State.DEAD, State.CANCELLED, State.SUPERSEDED]


@pytest.mark.parametrize("state", ENDED)
async def test_an_ended_job_cannot_be_cancelled(state: State) -> None:
    engine = MemoryEngine(clock=ManualClock())
    id = await put(engine, state, new_job(queue=QUEUE))
    before = await engine.get([id])

    with pytest.raises(WrongState, match=f"job {id} is {state}; only a waiting or claimed"):
        await inspection(engine).cancel(id)

    assert await engine.get([id]) == before


@pytest.mark.parametrize("state", [state for state in State if state is not State.DEAD])
async def test_only_a_dead_job_can_be_retried(state: State) -> None:
    engine = MemoryEngine(clock=ManualClock())
    id = await put(engine, state, new_job(queue=QUEUE))
    before = await engine.get([id])

    with pytest.raises(WrongState, match=f"job {id} is {state}; only a dead job"):
        await inspection(engine).requeue(id)

    assert await engine.get([id]) == before


async def test_a_dead_job_that_is_retried_is_ready_with_all_its_attempts() -> None:
    engine = MemoryEngine(clock=ManualClock())
    id = await put(engine, State.DEAD, new_job(queue=QUEUE))

    job = await inspection(engine).requeue(id)

    assert (job.state, job.attempt) == (State.READY, 0)


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLAIMED])
async def test_a_job_that_nobody_holds_is_deleted_and_shown_a_last_time(state: State) -> None:
    engine = MemoryEngine(clock=ManualClock())
    id = await put(engine, state, new_job(queue=QUEUE))

    job = await inspection(engine).delete(id)

    assert (job.id, job.state) == (id, state)
    assert await engine.get([id]) == [None]


async def test_a_claimed_job_cannot_be_deleted() -> None:
    engine = MemoryEngine(clock=ManualClock())
    claim = await claimed(engine, NewJob(queue=QUEUE))

    with pytest.raises(WrongState, match=f"job {claim.job.id} is claimed; cancel it first"):
        await inspection(engine).delete(claim.job.id)


@pytest.mark.parametrize("move", ["cancel", "requeue", "delete", "ended"])
async def test_no_move_is_made_on_a_job_that_is_not_there(move: str) -> None:
    see = inspection(MemoryEngine())
    moves: dict[str, Callable[[JobId], Awaitable[Job]]] = {
        "cancel": see.cancel,
        "requeue": see.requeue,
        "delete": see.delete,
        "ended": partial(see.ended, timeout=LONG),
    }

    with pytest.raises(UnknownJob, match="no job 7"):
        await moves[move](JobId(7))


async def test_a_move_that_comes_too_late_says_how_the_job_stands_now() -> None:
    engine = Overtaken(clock=ManualClock())
    see = inspection(engine)
    [pushed] = await engine.push([NewJob(queue=QUEUE)])

    with pytest.raises(WrongState, match="job 1 is done; only a waiting or claimed"):
        await see.cancel(pushed.id)


@pytest.mark.parametrize("move", ["cancel", "delete"])
async def test_a_move_on_a_job_that_has_just_gone_says_so(move: str) -> None:
    engine = Overtaken(clock=ManualClock())
    engine.gone = True
    see = inspection(engine)
    [pushed] = await engine.push([NewJob(queue=QUEUE)])

    with pytest.raises((WrongState, UnknownJob), match=r"job 1 is gone|no job 1"):
        await (see.cancel if move == "cancel" else see.delete)(pushed.id)


@pytest.mark.parametrize("state", ENDED)
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


def test_health_names_what_does_not_work_now() -> None:
    health = Health()
    assert health.troubles == {}

    health.fails("purge:main", "away")
    health.fails("fetcher", "away")
    health.fails("purge:main", "still away")
    health.works("fetcher")
    health.works("never failed")

    troubles = health.troubles
    health.works("purge:main")
    assert troubles == {"purge:main": "still away"}
    assert health.troubles == {}


def test_what_waits_for_its_store_for_too_long_does_not_work() -> None:
    seconds = [0.0]
    health = Health(lambda: seconds[0])

    health.asks("promote:main")
    assert health.troubles == {}
    seconds[0] = 6.0
    assert health.troubles == {"promote:main": "no answer for 6 s"}

    health.works("promote:main")
    assert health.troubles == {}


def test_a_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    health = Health()

    health.fails("promote:main", "away")
    health.fails("promote:main", "still away")
    health.works("promote:main")
    health.works("promote:main")

    assert caplog.messages == ["promote:main: away", "promote:main works again"]
