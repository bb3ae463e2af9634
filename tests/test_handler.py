"""Handlers: functions that run jobs, what they are given, and where they are registered."""

import asyncio
import contextvars
import functools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from penstock.clock import ManualClock
from penstock.engine import Renew
from penstock.engines.memory import MemoryEngine
from penstock.errors import JobFailed, UnknownType
from penstock.handler import MAX_MESSAGE, Answer, Context, FunctionHandler, Registry
from penstock.job import Delivery, Details, Job, JobId, NewJob, Progress, QueueKey, State
from penstock.serialization import JSON, check

SOON = 5  # seconds

JOB = Job(
    id=JobId(7),
    queue=QueueKey("default", "mail"),
    state=State.CLAIMED,
    params='{"a":1}',
    details=Details(),
    priority=500,
    attempt=2,
    max_attempts=3,
    fence=4,
    delivery=Delivery.AT_LEAST_ONCE,
    pushed_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2, thread_name_prefix="handlers") as pool:
        yield pool


def context(threads: ThreadPoolExecutor | None = None) -> Context:
    return Context(job=JOB, params={"a": 1}, idempotency_key="store-7", threads=threads)


def blocking(context: Context) -> JSON:
    return [context.params["a"], threading.current_thread().name]


async def awaiting(context: Context) -> JSON:
    return [context.params["a"], threading.current_thread().name]


def awaiting_later(context: Context) -> Answer:
    return awaiting(context)


class Awaiting:
    async def __call__(self, context: Context) -> JSON:
        return await awaiting(context)


class Blocking:
    def __call__(self, context: Context) -> JSON:
        return blocking(context)


MAIN = threading.main_thread().name


@pytest.mark.parametrize(
    ("function", "where"),
    [
        (awaiting, MAIN),
        (Awaiting(), MAIN),
        (functools.partial(awaiting), MAIN),
        (blocking, "handlers_0"),
        (Blocking(), "handlers_0"),
        (functools.partial(blocking), "handlers_0"),
        (awaiting_later, MAIN),
    ],
)
async def test_a_function_that_blocks_runs_in_a_thread_and_another_in_the_loop(
    function: Callable[[Context], Answer], where: str, threads: ThreadPoolExecutor
) -> None:
    assert await FunctionHandler(function).run(context(threads)) == [1, where]


async def test_a_thread_has_the_context_variables_of_its_runner(
    threads: ThreadPoolExecutor,
) -> None:
    request = contextvars.ContextVar("request", default="none")
    request.set("r1")

    handler = FunctionHandler(lambda context: request.get())

    assert await handler.run(context(threads)) == "r1"


def empty(context: Context) -> JSON:
    return next(iter(()))


async def empty_too(context: Context) -> JSON:
    return next(iter(()))


def fail(context: Context) -> JSON:
    raise JobFailed("no", after=timedelta(seconds=3))


@pytest.mark.parametrize(
    ("function", "error"), [(empty, RuntimeError), (empty_too, RuntimeError), (fail, JobFailed)]
)
async def test_whatever_a_function_raises_comes_out(
    function: Callable[[Context], Answer], error: type[Exception], threads: ThreadPoolExecutor
) -> None:
    with pytest.raises(error):
        await asyncio.wait_for(FunctionHandler(function).run(context(threads)), SOON)


@pytest.mark.parametrize("outcome", ["returns", "fails"])
async def test_a_thread_goes_on_when_its_job_is_given_up_and_says_when_it_ends(
    outcome: str, threads: ThreadPoolExecutor
) -> None:
    started, go_on = threading.Event(), threading.Event()

    def stubborn(context: Context) -> JSON:
        started.set()
        go_on.wait(SOON)
        if outcome == "fails":
            raise RuntimeError("nobody hears this")
        return None

    given = context(threads)
    running = asyncio.create_task(FunctionHandler(stubborn).run(given))
    await asyncio.to_thread(started.wait, SOON)

    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert given.thread is not None
    assert not given.thread.done()
    go_on.set()
    await asyncio.wait([given.thread], timeout=SOON)
    assert given.thread.done()


def test_a_function_takes_any_params_and_has_the_timeout_that_it_was_given() -> None:
    FunctionHandler(fail).check({"any": "thing"})

    assert FunctionHandler(fail).timeout({}) is None
    assert FunctionHandler(fail, timeout=timedelta(seconds=3)).timeout({}) == timedelta(seconds=3)


def test_a_registry_gives_the_latest_handler_of_a_type() -> None:
    first, second = FunctionHandler(fail), FunctionHandler(blocking)
    given = {"mail": first}
    registry = Registry(given)

    registry.register("mail", second)
    registry.register("http", first)

    assert list(registry.types) == ["http", "mail"]
    assert registry.handler("mail") is registry.find("mail") is second
    assert registry.find("ftp") is None
    assert given == {"mail": first}


@pytest.mark.parametrize(
    ("types", "known"), [((), "known: none"), (("mail", "http"), "known: http, mail")]
)
def test_a_type_without_a_handler_is_refused_with_the_known_ones(
    types: tuple[str, ...], known: str
) -> None:
    registry = Registry({type: FunctionHandler(fail) for type in types})

    with pytest.raises(UnknownType, match=f"no handler for type 'x+'; {known}") as caught:
        registry.handler("x" * 5000)

    assert len(str(caught.value)) < 300


def test_registries_do_not_know_each_other() -> None:
    Registry().register("mail", FunctionHandler(fail))

    assert Registry().find("mail") is None


def test_a_handler_knows_its_attempt_and_its_fence() -> None:
    assert (context().attempt, context().fence) == (2, 4)


def test_what_a_handler_logs_carries_the_job(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "penstock.job"):
        context().log.info("sent")

    [record] = caplog.records
    assert (record.__dict__["job_id"], record.__dict__["job_type"]) == (7, "mail")


def test_who_listens_hears_each_progress_at_once() -> None:
    heard: list[Progress] = []
    given = context()
    given.reported = heard.append

    given.report(1)
    given.report(2, "two")

    assert heard == [Progress(percent=1), Progress(percent=2, message="two")]


REPORTS: list[tuple[float, str, Progress]] = [
    (40, "half", Progress(percent=40, message="half")),
    (0.5, "", Progress(percent=0.5)),
    (-1, "", Progress(percent=0)),
    (1e300, "", Progress(percent=100)),
    (float("inf"), "", Progress(percent=100)),
    (float("nan"), "", Progress(percent=0)),
    (1, "x" * 5000, Progress(percent=1, message="x" * MAX_MESSAGE)),
    (1, "a\0b\ud800c", Progress(percent=1, message="ab?c")),
    (1, "\U0001f4a7", Progress(percent=1, message="\U0001f4a7")),
]


@pytest.mark.parametrize(("percent", "message", "kept"), REPORTS)
async def test_progress_is_brought_into_a_form_that_every_store_keeps(
    percent: float, message: str, kept: Progress
) -> None:
    given = context()
    engine = MemoryEngine(clock=ManualClock())
    [pushed] = await engine.push([NewJob(queue=JOB.queue)])
    [claim] = await engine.claim_ids([pushed.id], ttl=timedelta(1), worker="w1")

    given.report(percent, message)
    await engine.renew([Renew(ref=claim.ref, ttl=None, progress=given.progress)])

    [job] = await engine.get([pushed.id])
    assert job is not None
    assert job.progress == kept
    check([kept.percent, kept.message], field="progress")


def test_who_looks_on_hears_progress_at_once() -> None:
    heard: list[Progress] = []
    given = context()
    given.reported = heard.append

    given.report(140, "nearly")

    assert heard == [Progress(percent=100, message="nearly")] == [given.progress]


def yielding(context: Context) -> Iterator[int]:
    yield 1


async def yielding_later(context: Context) -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("function", [yielding, yielding_later])
async def test_a_generator_of_which_nothing_has_run_is_no_result(
    function: object, threads: ThreadPoolExecutor
) -> None:
    handler = FunctionHandler(cast("Callable[[Context], Answer]", function))

    with pytest.raises(TypeError, match=r"`yield` in the handler, so nothing of it has run"):
        await handler.run(context(threads))
