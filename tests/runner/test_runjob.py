"""One job by its id: it alone runs, as a runner would have run it; what is refused changes nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from penstock.clock import ManualClock
from penstock.engine import Ack
from penstock.engines.memory import MemoryEngine
from penstock.errors import Bury, EngineUnavailable, UnknownJob, UnknownType, WrongState
from penstock.handler import Context, FunctionHandler
from penstock.job import Callback, Claim, Delivery, JobId, Move, On, Progress, Root, State
from penstock.policy import Policy
from penstock.queue import JobSpec
from penstock.runner.runjob import Ended, RunJob
from penstock.serialization import JSON
from tests.installation import SOON, Installation, installation, until

TTL = timedelta(seconds=15)


class Work:
    """A handler that does as the params say."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def __call__(self, context: Context) -> JSON:
        """Begin; then fail, wait for ever, or return."""
        context.report(40, "so far")
        self.began.set()
        match context.params.get("do"):
            case "bury":
                raise Bury("never")
            case "fail":
                raise RuntimeError("not now")
            case "hang":
                await asyncio.Event().wait()
        return {"attempt": context.attempt}


class Look:
    """Hears what the job lets out."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []

    def wrote(self, data: bytes) -> None:
        """No program runs here."""

    def progressed(self, progress: Progress) -> None:
        """Keep it."""
        self.progress.append(progress)


async def opened(
    engine: MemoryEngine | None = None, policy: Policy | None = None
) -> tuple[Installation, Work]:
    work = Work()
    handlers, policies = {"work": FunctionHandler(work)}, {"work": policy or Policy()}
    return await installation(handlers, policies=policies, engine=engine), work


def runjob(at: Installation, look: Look | None = None) -> RunJob:
    return RunJob(at.group, at.inspection, worker="w1", listener=look)


async def run(at: Installation, id: JobId, look: Look | None = None) -> Ended:
    async with asyncio.timeout(SOON):
        return await runjob(at, look).run(id)


async def stopped(at: Installation, work: Work) -> tuple[JobId, Ended]:
    """A job that was stopped while it ran, and its end."""
    [id] = await at.push(JobSpec("work", {"do": "hang"}))
    one = runjob(at)
    running = asyncio.ensure_future(one.run(id))
    async with asyncio.timeout(SOON):
        await work.began.wait()
        one.stop()
        return id, await running


def move_of(ended: Ended) -> Move | None:
    return None if ended.outcome is None else ended.outcome.move


async def test_just_this_job_runs_and_is_done_with_its_result() -> None:
    at, _ = await opened()
    first, second = await at.push(JobSpec("work"), JobSpec("work"))

    ended = await run(at, second)

    job = await at.job(second)
    assert (job.state, job.attempt, job.result) == (State.DONE, 1, '{"attempt":1}')
    assert (move_of(ended), ended.now) == (Move.ACK, job)
    assert (await at.job(first)).state is State.READY


async def test_a_scheduled_job_of_a_paused_queue_and_an_old_root_runs_too() -> None:
    at, _ = await opened()
    old, new = (Root(signature="r", timestamp=datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2))
    [id, _] = await at.push(
        JobSpec("work", delay=timedelta(hours=1), root=old), JobSpec("work", root=new)
    )
    await at.engine.pause([(await at.job(id)).queue])

    await run(at, id)

    assert (await at.job(id)).state is State.DONE


async def test_what_it_reports_is_heard() -> None:
    at, _ = await opened()
    [id] = await at.push(JobSpec("work"))
    look = Look()

    await run(at, id, look)

    assert look.progress == [Progress(percent=40, message="so far")]


async def test_a_failed_attempt_is_tried_again_later() -> None:
    at, _ = await opened()
    [id] = await at.push(JobSpec("work", {"do": "fail"}))

    ended = await run(at, id)

    job = await at.job(id)
    assert (job.state, job.attempt, job.error) == (State.SCHEDULED, 1, "RuntimeError: not now")
    assert move_of(ended) is Move.RETRY


async def test_an_end_for_good_has_its_callback() -> None:
    at, _ = await opened()
    callback = Callback(on=On.FAILED, type="work", params="{}")
    [id] = await at.push(JobSpec("work", {"do": "bury"}, callbacks=(callback,)))

    ended = await run(at, id)

    job = await at.job(id)
    assert (job.state, job.error, len(job.follow_ups)) == (State.DEAD, "never", 1)
    assert move_of(ended) is Move.BURY


@pytest.mark.parametrize("state", [State.CLAIMED, State.DONE, State.DEAD, State.CANCELLED])
async def test_a_job_that_does_not_wait_is_refused_and_stays_as_it_is(state: State) -> None:
    at, _ = await opened()
    [id] = await at.push(JobSpec("work", {"do": "bury" if state is State.DEAD else "return"}))
    if state is State.CLAIMED:
        await at.engine.claim_ids([id], ttl=TTL, worker="w2")
    elif state is State.CANCELLED:
        await at.inspection.cancel(id)
    else:
        await run(at, id)
    before = await at.job(id)

    with pytest.raises(WrongState, match=f"job {id} is {state}"):
        await run(at, id)

    assert await at.job(id) == before


async def test_an_unknown_job_is_refused() -> None:
    at, _ = await opened()

    with pytest.raises(UnknownJob, match="no job 7"):
        await run(at, JobId(7))


async def test_a_type_without_a_handler_is_refused_before_it_is_claimed() -> None:
    at, _ = await opened()
    [id] = await at.push(JobSpec("work"))
    other = await installation({"mail": FunctionHandler(lambda context: None)}, engine=at.engine)

    with pytest.raises(UnknownType, match="'work'; known: mail"):
        await run(other, id)

    assert (await at.job(id)).fence == 0


async def test_of_two_at_once_one_runs_it() -> None:
    at, _ = await opened()
    [id] = await at.push(JobSpec("work"))

    async with asyncio.timeout(SOON):
        answers = await asyncio.gather(
            runjob(at).run(id), runjob(at).run(id), return_exceptions=True
        )

    assert sorted(type(answer).__name__ for answer in answers) == ["Ended", "WrongState"]
    assert (await at.job(id)).attempt == 1


async def test_a_job_that_was_taken_and_given_back_meanwhile_is_said_to_have_moved() -> None:
    class Quick(MemoryEngine):
        async def claim_ids(
            self, ids: Sequence[JobId], *, ttl: timedelta, worker: str
        ) -> Sequence[Claim]:
            return ()

    at, _ = await opened(Quick(clock=ManualClock()))
    [id] = await at.push(JobSpec("work"))

    with pytest.raises(WrongState, match="moved"):
        await run(at, id)


async def test_a_stop_gives_it_back() -> None:
    at, work = await opened()

    id, ended = await stopped(at, work)

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 0)
    assert move_of(ended) is Move.RELEASE


async def test_a_stop_of_a_job_that_may_run_only_once_ends_it() -> None:
    at, work = await opened(policy=Policy(delivery=Delivery.AT_MOST_ONCE))

    id, ended = await stopped(at, work)

    assert move_of(ended) is Move.BURY
    assert (await at.job(id)).state is State.DEAD


async def test_a_stop_before_it_begins_gives_it_back_unbegun() -> None:
    at, work = await opened()
    [id] = await at.push(JobSpec("work"))
    one = runjob(at)

    one.stop()
    async with asyncio.timeout(SOON):
        ended = await one.run(id)

    assert (await at.job(id)).attempt == 0
    assert not work.began.is_set()
    assert move_of(ended) is Move.RELEASE


async def test_a_cancel_reaches_it_while_it_runs() -> None:
    at, work = await opened(policy=Policy(ttl=timedelta(seconds=1)))
    [id] = await at.push(JobSpec("work", {"do": "hang"}))
    running = asyncio.ensure_future(runjob(at).run(id))

    async with asyncio.timeout(SOON):
        await work.began.wait()
        asked = await at.inspection.cancel(id)
        ended = await running

    assert (asked.state, asked.cancel_requested) == (State.CLAIMED, True)
    assert ended.now is not None
    assert ended.now.state is State.CANCELLED


async def test_a_lost_claim_is_told_and_changes_nothing() -> None:
    at, work = await opened()
    [id] = await at.push(JobSpec("work", {"do": "hang"}))
    one = runjob(at)
    running = asyncio.ensure_future(one.run(id))

    async with asyncio.timeout(SOON):
        await work.began.wait()
        await at.engine.forget("w1")
        await at.engine.reclaim(10, ttl=TTL, worker="w2")
        one.stop()
        ended = await running

    assert ended.outcome is None
    assert (await at.job(id)).state is State.READY


async def test_a_store_that_cannot_be_told_the_end_is_an_error() -> None:
    class Away(MemoryEngine):
        async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
            raise EngineUnavailable("away for a test")

    policy = Policy(ttl=timedelta(seconds=0.5))  # tried no longer than that
    at, _ = await opened(Away(clock=ManualClock()), policy)
    [id] = await at.push(JobSpec("work"))

    with pytest.raises(EngineUnavailable, match="away for a test"):
        await run(at, id)


async def test_a_claim_is_renewed_while_the_job_runs() -> None:
    at, _ = await opened(policy=Policy(ttl=timedelta(seconds=1)))
    [id] = await at.push(JobSpec("work", {"do": "hang"}))
    one = runjob(at)
    running = asyncio.ensure_future(one.run(id))

    async def has_progress() -> bool:
        return (await at.job(id)).progress == Progress(percent=40, message="so far")

    await until(has_progress)  # which only a renewal can have brought
    one.stop()
    await running
