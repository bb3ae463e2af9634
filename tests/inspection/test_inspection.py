"""What people may see and do: one job, totals, cancel, requeue, delete."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import job as new_job
from penstock.conformance.builders import put
from penstock.engine import Ack, Cancel, CancelAnswer
from penstock.engines.memory import MemoryEngine
from penstock.errors import UnknownJob, WrongState
from penstock.inspection import CallbackState, Totals
from penstock.job import (
    CALLBACK_TYPE,
    ENDED,
    Callback,
    Details,
    Job,
    JobId,
    NewJob,
    On,
    Presence,
    QueueKey,
    State,
)
from penstock.policy import Policy
from tests.inspection.conftest import Stores
from tests.inspection.desk import LONG, QUEUE, TTL, claimed, inspection


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


async def test_callbacks_of_many_jobs_are_each_shown_in_its_place(stores: Stores) -> None:
    see = inspection(*stores.engines)
    back = Details(callbacks=(Callback(on=On.FAILED, type="http", params="{}"),))
    ids = [
        pushed.id
        for engine in stores.engines
        for pushed in await engine.push([NewJob(queue=QUEUE, details=back), NewJob(queue=QUEUE)])
    ]
    jobs = [await see.cancel(id) for id in ids]

    told = await see.callbacks_of([*reversed(jobs)])

    shown = [[(each.id // 10**13, each.on, each.state) for each in one] for one in told]
    assert shown == [[], [(1, "failed", "ready")], [], [(0, "failed", "ready")]]
    assert await see.callbacks_of([]) == []


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


@pytest.mark.parametrize("state", sorted(ENDED))
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
