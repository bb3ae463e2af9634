"""The finite run: its lines, its limits and its result."""

import asyncio
import re
from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from penstock.clock import ManualClock
from penstock.engine import Ack, Claimed, ReadyQueue, Want
from penstock.engines.memory import MemoryEngine
from penstock.errors import Bury, EngineUnavailable
from penstock.handler import Context, FunctionHandler
from penstock.job import Root, State
from penstock.policy import Policy
from penstock.queue import JobSpec
from penstock.runner.runjobs import Limits, Reached, Run, RunJobs
from penstock.serialization import JSON
from tests.installation import SOON, Installation, installation


async def work(context: Context) -> JSON:
    if context.params.get("fail"):
        raise Bury("it did not work")
    return None


HANDLERS = {"work": FunctionHandler(work), "other": FunctionHandler(work)}


async def run(
    at: Installation, limits: Limits | None = None, *, metadata: bool = False
) -> tuple[Run, list[str]]:
    lines: list[str] = []
    runjobs = RunJobs(
        at.group, worker="w1", limits=limits or Limits(), say=lines.append, metadata=metadata
    )
    async with asyncio.timeout(SOON):
        return await runjobs.run(), lines


async def test_each_job_has_a_line_before_and_a_line_after() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work", {"a": 1}, context="My title"))

    done, lines = await run(at)

    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(when + " work My_title a=1 STARTING", lines[0])
    assert re.fullmatch(when + r" work My_title a=1 t=\d+ good", lines[1])
    assert (done.reached, done.failed) == (Reached.NONE_READY, False)


async def test_a_failed_job_says_why() -> None:
    at = await installation(HANDLERS)
    [id] = await at.push(JobSpec("work", {"fail": True}))

    done, lines = await run(at)

    assert lines[1].endswith(" error=it did not work")
    assert done.failed
    assert (await at.job(id)).state is State.DEAD


async def test_metadata_stands_before_starting() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work"))

    _, lines = await run(at, metadata=True)

    assert lines[0].endswith(" work default (id=1,timestamp=20260101000000) STARTING")


async def test_the_job_limit() -> None:
    at = await installation(HANDLERS)
    await at.push(*[JobSpec("work", {"i": i}) for i in range(5)])

    done, _ = await run(at, Limits(maxjobs=3))

    assert (done.reached, len(done.jobs)) == (Reached.JOB_LIMIT, 3)


async def test_the_time_limit_lets_one_job_run() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work", {"i": 1}), JobSpec("work", {"i": 2}))

    done, _ = await run(at, Limits(maxtime=timedelta(seconds=-1)))

    assert (done.reached, len(done.jobs)) == (Reached.TIME_LIMIT, 1)


async def test_one_type_is_run_and_an_unknown_one_is_not_possible() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work"), JobSpec("other"))

    only, _ = await run(at, Limits(types=["other"]))
    none, _ = await run(at, Limits(types=["fish"]))

    assert [job.type for job in only.jobs] == ["other"]
    assert none.reached is Reached.NONE_POSSIBLE


async def test_a_run_that_waits_picks_up_what_comes() -> None:
    at = await installation(HANDLERS)
    waiting = asyncio.ensure_future(run(at, Limits(wait=True, maxjobs=1)))
    async with asyncio.timeout(SOON):
        while not await at.engine.workers():  # noqa: ASYNC110  presence tells nobody
            await asyncio.sleep(0)

    await at.push(JobSpec("work"))
    done, _ = await waiting

    assert done.reached is Reached.JOB_LIMIT


async def test_a_stopped_run_gives_its_job_back() -> None:
    began = asyncio.Event()

    async def forever(context: Context) -> JSON:
        began.set()
        await asyncio.Event().wait()
        return None

    at = await installation({"work": FunctionHandler(forever)})
    [id] = await at.push(JobSpec("work"))
    runjobs = RunJobs(at.group, worker="w1", limits=Limits(), say=lambda line: None)
    task = asyncio.ensure_future(runjobs.run())
    async with asyncio.timeout(SOON):
        await began.wait()
        runjobs.stop()
        await task

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 0)
    assert task.result() == Run(reached=Reached.STOPPED)


async def test_a_run_that_is_stopped_while_it_claims_starts_nothing() -> None:
    class Late(MemoryEngine):
        async def claim(self, wants: Sequence[Want], worker: str) -> Claimed:
            claimed = await super().claim(wants, worker)
            runjobs.stop()
            return claimed

    at = await installation(HANDLERS, engine=Late(clock=ManualClock()))
    [id] = await at.push(JobSpec("work"))
    lines: list[str] = []
    runjobs = RunJobs(at.group, worker="w1", limits=Limits(), say=lines.append)

    async with asyncio.timeout(SOON):
        done = await runjobs.run()

    job = await at.job(id)
    assert (job.state, job.attempt, job.fence) == (State.READY, 0, 1)
    assert (done.reached, lines) == (Reached.STOPPED, [])


async def test_what_has_become_due_is_run_too() -> None:
    at = await installation(HANDLERS)
    await at.push(JobSpec("work", delay=timedelta(seconds=1)))
    at.clock.tick(timedelta(seconds=1))

    async def refresh() -> None:
        await at.engine.promote(10)

    runjobs = RunJobs(
        at.group, worker="w1", limits=Limits(), say=lambda line: None, refresh=refresh
    )
    async with asyncio.timeout(SOON):
        done = await runjobs.run()

    assert (done.reached, len(done.jobs)) == (Reached.NONE_READY, 1)


async def test_a_run_that_waits_ends_at_its_time_limit() -> None:
    at = await installation(HANDLERS)

    done, _ = await run(at, Limits(wait=True, maxtime=timedelta(seconds=0)))

    assert done.reached is Reached.TIME_LIMIT


class Away(MemoryEngine):
    """A store that cannot be reached, for the ends of jobs or at all."""

    def __init__(self, *, ready: bool) -> None:
        super().__init__(clock=ManualClock())
        self._ready = ready

    async def ready(
        self, types: Collection[str], domains: Collection[str] | None = None, *, limit: int
    ) -> Sequence[ReadyQueue]:
        if not self._ready:
            raise EngineUnavailable("away for a test")
        return await super().ready(types, domains, limit=limit)

    async def ack(self, ends: Sequence[Ack]) -> Sequence[bool]:
        raise EngineUnavailable("away for a test")


async def test_a_store_that_is_away_ends_the_run_and_says_so() -> None:
    at = await installation(HANDLERS, engine=Away(ready=False))

    done, _ = await run(at)

    assert (done.reached, str(done.error)) == (Reached.EXCEPTION, "away for a test")


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        (Limits(), Reached.EXCEPTION),
        (Limits(maxtime=timedelta(0)), Reached.TIME_LIMIT),
        (Limits(maxtime=timedelta(0), maxjobs=1), Reached.JOB_LIMIT),
    ],
)
async def test_an_end_that_cannot_be_stored_counts_after_the_limits(
    limits: Limits, reached: Reached
) -> None:
    policies = {"work": Policy(ttl=timedelta(milliseconds=100))}  # tried no longer than that
    at = await installation(HANDLERS, engine=Away(ready=True), policies=policies)
    await at.push(JobSpec("work"))

    done, _ = await run(at, limits)

    assert (done.reached, str(done.error)) == (reached, "away for a test")
    assert [job.error for job in done.jobs] == ["away for a test"]


async def test_a_run_does_not_end_before_it_has_passed_all_that_is_superseded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.group.fetcher.ROUNDS", 1)
    at = await installation(HANDLERS)
    old = Root(signature="s", timestamp=at.clock.now())
    new = Root(signature="s", timestamp=at.clock.now() + timedelta(seconds=1))
    await at.push(*[JobSpec("work", {"i": i}, root=old) for i in range(2500)])
    [wanted] = await at.push(JobSpec("work", {"i": -1}, root=new))

    done, _ = await run(at)

    assert len(done.jobs) == 1
    assert (await at.job(wanted)).state is State.DONE


async def test_named_types_without_a_handler_here_are_left_alone() -> None:
    at = await installation(HANDLERS, accepts=lambda type: True)
    [id] = await at.push(JobSpec("elsewhere"))

    done, _ = await run(at, Limits(types=["work", "elsewhere"]))

    assert done.jobs == []
    assert (await at.job(id)).state is State.READY
