"""Draining is measured, and every job of it is looked at afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from penstock.bench.draining import drain, fault
from penstock.bench.figures import Rate
from penstock.bench.ground import Ground, nothing
from penstock.errors import BenchFailed, Bury
from penstock.handler import Context
from penstock.job import Delivery, Details, Job, JobId, QueueKey, State
from penstock.serialization import JSON
from tests.bench.tiny import TINY

DONE = Job(
    id=JobId(7),
    queue=QueueKey("here", "bench"),
    state=State.DONE,
    params="{}",
    details=Details(),
    priority=500,
    attempt=1,
    max_attempts=3,
    fence=1,
    delivery=Delivery.AT_LEAST_ONCE,
    pushed_at=datetime(2026, 1, 1, tzinfo=UTC),
    result="7",
)


async def test_all_jobs_go_through_a_runner(ground: Ground) -> None:
    [figure] = await drain(ground, slots=3)

    assert isinstance(figure, Rate)
    assert figure.name == "drain-3"
    assert figure.ours.rounds == TINY.rounds
    assert (figure.limit is None) is ground.settings.url.startswith("memory")


async def test_the_bare_store_ends_as_many_jobs(sqlite: Ground) -> None:
    await drain(sqlite, slots=20)

    async with sqlite.open() as site:
        counts = await site.store.engine.counts()
    assert {each.done for each in counts.values()} == {TINY.drained * TINY.rounds}


async def test_a_job_that_its_handler_gives_up_is_noticed(ground: Ground) -> None:
    async def loses_one(context: Context) -> JSON:
        if context.job.id == 3:
            raise Bury("not this one")
        return context.job.id

    with pytest.raises(BenchFailed, match=r"1 of 200 .*: job 3 is dead \(not this one\)"):
        await drain(ground, slots=5, run=loses_one)


async def test_a_job_that_is_tried_again_is_noticed(ground: Ground) -> None:
    async def fails_once(context: Context) -> JSON:
        if (context.job.id, context.attempt) == (3, 1):
            raise OSError("a passing trouble")
        return context.job.id

    with pytest.raises(BenchFailed, match=r"1 of 200 .*: job 3 is scheduled"):
        await drain(ground, slots=5, run=fails_once)


async def test_the_result_of_another_job_is_noticed(ground: Ground) -> None:
    async def answers_wrong(context: Context) -> JSON:
        return 1

    with pytest.raises(BenchFailed, match=r"199 of 200 .*: job 2 has the result 1; job 3"):
        await drain(ground, slots=5, run=answers_wrong)


async def test_jobs_that_never_start_end_the_run(sqlite: Ground) -> None:
    async with sqlite.open() as beside:

        async def pauses(context: Context) -> JSON:
            await beside.store.engine.pause([context.job.queue])
            return await nothing(context)

        with pytest.raises(BenchFailed, match="is ready"):
            await drain(sqlite, slots=5, run=pauses, patience=timedelta(milliseconds=300))


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (DONE, None),
        (None, "job 7 is gone"),
        (replace(DONE, state=State.READY), "job 7 is ready"),
        (replace(DONE, state=State.DEAD, error="boom"), "job 7 is dead (boom)"),
        (replace(DONE, fence=2, attempt=2), "job 7 was claimed 2 times and tried 2 times"),
        (replace(DONE, fence=2), "job 7 was claimed 2 times and tried 1 times"),
        (replace(DONE, result=None), "job 7 has the result None"),
        (replace(DONE, result="8"), "job 7 has the result 8"),
    ],
)
def test_only_a_job_done_once_has_no_fault(job: Job | None, words: str | None) -> None:
    assert fault(JobId(7), job) == words
