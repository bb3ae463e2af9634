"""Processes for what keeps a processor busy: kept, replaced and ended; and a real runner over them."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest

from penstock.errors import Bury, Cancel, JobFailed, Retry
from penstock.job import Job, JobId, Progress, State
from penstock.job_class import handlers_of
from penstock.policy import Policy
from penstock.queue import JobSpec
from penstock.runner.processes import Processes
from penstock.serialization import JSON
from tests.commands.processes import is_gone
from tests.installation import SOON, Installation, installation, running, until
from tests.runner import heavy
from tests.runner.tasks import FUNCTION, HEAVY, Heard

pytestmark = pytest.mark.slow


@asynccontextmanager
async def processes(*, idle: int = 2) -> AsyncIterator[Processes]:
    pool = Processes(idle=idle)
    try:
        yield pool
    finally:
        await pool.close()


async def pid(pool: Processes) -> int:
    found = await pool.run(HEAVY, Heard(do="pid"))
    assert isinstance(found, int)
    return found


async def test_a_process_is_kept_for_the_next_job() -> None:
    async with processes() as pool:
        first = await pid(pool)

        assert await pid(pool) == first


async def test_only_so_many_idle_processes_are_kept() -> None:
    async with processes(idle=1) as pool:
        first, second = await asyncio.gather(pid(pool), pid(pool))

        assert first != second
        gone = [await asyncio.to_thread(is_gone, one, within=1) for one in (first, second)]
        assert sorted(gone) == [False, True]


async def test_an_idle_process_that_died_is_replaced() -> None:
    async with processes() as pool:
        first = await pid(pool)
        [process] = pool._idle
        os.kill(first, signal.SIGKILL)
        await asyncio.wait_for(asyncio.shield(process.exited), SOON)

        assert await pid(pool) != first


@pytest.mark.parametrize(
    ("do", "error", "after", "result"),
    [
        ("fail", JobFailed("ValueError: no good"), None, None),
        ("false", JobFailed("the handler returned False"), None, None),
        ("die", JobFailed("its process died with signal 9 (SIGKILL)"), None, None),
        ("retry", Retry("busy"), timedelta(minutes=5), None),
        ("bury", Bury("never"), None, {"a": 1}),
        ("cancel", Cancel("not wanted"), None, None),
    ],
)
async def test_a_failure_is_raised_here_as_it_was_there(
    do: str, error: JobFailed, after: timedelta | None, result: JSON
) -> None:
    async with processes() as pool:
        with pytest.raises(JobFailed) as caught:
            await pool.run(HEAVY, Heard(do=do))

    assert isinstance(caught.value, Bury) == isinstance(error, Bury)
    assert isinstance(caught.value, Cancel) == isinstance(error, Cancel)
    assert str(caught.value) == str(error)
    assert (caught.value.after, caught.value.result) == (after, result)


async def test_a_failure_is_logged_here_with_where_it_happened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with processes() as pool:
        with caplog.at_level(logging.INFO), pytest.raises(JobFailed):
            await pool.run(HEAVY, Heard(do="fail"))

    [record] = [record for record in caplog.records if record.name == "penstock.job"]
    assert record.getMessage() == "job 7 (mail) failed"
    assert record.__dict__["job_id"] == 7
    assert 'raise ValueError("no good")' in caplog.text


async def test_what_nobody_here_wants_to_read_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        async with processes() as pool:
            await pool.run(HEAVY, Heard(do="print"))

    assert [record for record in caplog.records if record.name == "heavy"] == []


async def test_progress_is_reported_while_the_job_runs() -> None:
    context = Heard(do="wait")
    async with processes() as pool:
        working = asyncio.ensure_future(pool.run(FUNCTION, context))
        async with asyncio.timeout(SOON):
            await context.began.wait()

        assert context.progress == Progress(percent=10, message="waiting")
        working.cancel()
        await asyncio.wait({working}, timeout=SOON)
        assert working.cancelled()


async def test_all_end_with_the_pool_also_those_that_work() -> None:
    context = Heard(do="burn")
    pool = Processes()
    idle = await pid(pool)
    working = asyncio.ensure_future(pool.run(HEAVY, context))
    async with asyncio.timeout(SOON):
        await context.began.wait()

    await pool.close()
    await asyncio.wait({working}, timeout=SOON)

    assert isinstance(working.exception(), JobFailed)
    assert is_gone(idle)
    assert pool._living == set()


async def heavy_installation(*, ttl: timedelta = timedelta(seconds=15)) -> Installation:
    """Both jobs of the module, on a store whose claims last so long."""
    policy = Policy(ttl=ttl)
    return await installation(
        handlers_of(heavy), policies={"heavy": policy, "heavy_function": policy}
    )


async def end_of(at: Installation, id: JobId) -> Job:
    return await at.inspection.ended(id, timedelta(seconds=2 * SOON))


async def reported(at: Installation, id: JobId) -> bool:
    return (await at.job(id)).progress is not None


@pytest.mark.parametrize(
    ("spec", "state", "result", "error"),
    [
        (heavy.Heavy("echo", "a").as_spec(), State.DONE, '["a",1,"', None),
        (heavy.heavy_function("x").as_spec(), State.DONE, '["x",1]', None),
        (heavy.Heavy("fail").as_spec(), State.DEAD, None, "ValueError: no good"),
        (heavy.Heavy("bury").as_spec(), State.DEAD, '{"a":1}', "never"),
        (heavy.Heavy("cancel").as_spec(), State.CANCELLED, None, "not wanted"),
        (heavy.Heavy("die").as_spec(), State.DEAD, None, "its process died with signal 9"),
        (heavy.Heavy("burn").as_spec(), State.DEAD, None, "timed out after 1 s"),
        (heavy.heavy_function("wait").as_spec(), State.DEAD, None, "timed out after 1 s"),
    ],
    ids=lambda value: value.params["do"] if isinstance(value, JobSpec) else None,
)
async def test_a_runner_runs_such_jobs_to_their_end(
    spec: JobSpec, state: State, result: str | None, error: str | None
) -> None:
    at = await heavy_installation()
    timed = JobSpec(spec.type, spec.params, timeout=timedelta(seconds=1))
    [id] = await at.push(timed if error and "timed out" in error else spec)

    async with running(at.runner()):
        job = await end_of(at, id)

    assert job.state is state
    assert (job.result or "").startswith(result or "")
    assert (job.error or "").startswith(error or "")


async def test_a_retry_waits_as_long_as_the_job_asks() -> None:
    at = await heavy_installation()
    [id] = await at.push(JobSpec("heavy", {"do": "retry"}, max_attempts=2))

    async def scheduled() -> bool:
        return (await at.job(id)).state is State.SCHEDULED

    async with running(at.runner()):
        await until(scheduled)

    job = await at.job(id)
    assert (job.error, job.run_at) == ("busy", at.clock.now() + timedelta(minutes=5))


async def test_claims_are_renewed_while_all_processors_are_busy() -> None:
    at = await heavy_installation(ttl=timedelta(seconds=1.5))
    ids = await at.push(*[JobSpec("heavy", {"do": "burn"}) for _ in range(3)])

    async with running(at.runner()):
        for id in ids:
            await until(partial(reported, at, id))
        for id in ids:
            await at.inspection.cancel(id)
        jobs = [await end_of(at, id) for id in ids]

    assert [job.state for job in jobs] == [State.CANCELLED] * 3
    assert [job.fence for job in jobs] == [1, 1, 1]


async def test_a_runner_that_stops_gives_its_jobs_back_and_ends_their_processes() -> None:
    at = await heavy_installation(ttl=timedelta(seconds=0.6))
    [id] = await at.push(JobSpec("heavy_function", {"do": "wait"}))
    runner = at.runner(grace=timedelta(0))

    async with running(runner):
        await until(lambda: reported(at, id))

    job = await at.job(id)
    assert (job.state, job.attempt) == (State.READY, 0)
    assert runner._processes._living == set()
