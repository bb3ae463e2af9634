# long: every way in which a handler can misbehave
"""The executor: which deadline counts, what is refused before a handler runs, and that no handler's error leaves it."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest

from penstock.errors import BadJob, Bury, JobFailed, NotAllowed, Retry
from penstock.handler import Context, FunctionHandler
from penstock.job import Job
from penstock.policy import MAX_RESULT, Failed, Happened, Policy, Returned
from penstock.queue import JobSpec
from penstock.runner.executor import Executor, named
from penstock.serialization import JSON, JSONObject
from tests.installation import SOON, Installation, installation


class Choosy:
    """A handler that refuses some params and has a deadline of its own."""

    def __init__(self, own: timedelta | None = None) -> None:
        self.own = own
        self.ran = False

    def check(self, params: JSONObject) -> None:
        if params.get("bad"):
            raise BadJob.field("bad", "is not taken")
        if params.get("secret"):
            raise NotAllowed("secrets are not allowed")

    def timeout(self, params: JSONObject) -> timedelta | None:
        return self.own

    async def run(self, context: Context) -> JSON:
        self.ran = True
        return dict(context.params)


async def claimed(at: Installation, spec: JobSpec) -> Job:
    [id] = await at.push(spec)
    [claim] = await at.engine.claim_ids([id], ttl=timedelta(seconds=15), worker="w1")
    return claim.job


def context(job: Job, params: Mapping[str, JSON] | None = None) -> Context:
    return Context(job=job, params=params or {}, idempotency_key="k")


async def test_the_params_are_read_for_the_handler() -> None:
    at = await installation({"t": Choosy()})
    job = await claimed(at, JobSpec("t", {"a": [1, "ü"]}))

    happened = await Executor(at.group).attempt(context(job))

    assert happened == Returned(result='{"a":[1,"ü"]}')


@pytest.mark.parametrize("field", ["bad", "secret"])
async def test_what_the_handler_refuses_now_fails_for_good_without_running(field: str) -> None:
    """The rules may have changed since the push."""
    handler = Choosy()
    at = await installation({"t": FunctionHandler(lambda context: None)})
    job = await claimed(at, JobSpec("t", {field: True}))
    at.group.registry.register("t", handler)

    happened = await Executor(at.group).attempt(context(job))

    assert isinstance(happened, Failed)
    assert happened.permanent
    assert not handler.ran


@pytest.mark.parametrize(
    ("asked", "own", "expected"),
    [
        (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=1)),
        (None, timedelta(seconds=2), timedelta(seconds=2)),
        (None, None, timedelta(seconds=3)),
    ],
)
async def test_the_jobs_deadline_comes_before_the_handlers_and_the_policys(
    asked: timedelta | None, own: timedelta | None, expected: timedelta
) -> None:
    policy = Policy(timeout=timedelta(seconds=3))
    at = await installation({"t": Choosy(own)}, policies={"t": policy})
    job = await claimed(at, JobSpec("t", timeout=asked))

    limit = Executor(at.group)._limit(Choosy(own), context(job))

    assert limit == expected


async def test_a_job_without_a_handler_here_fails_for_good_and_says_so() -> None:
    at = await installation({"t": Choosy()})
    job = await claimed(at, JobSpec("t"))
    at.group.registry = type(at.group.registry)({})

    happened = await Executor(at.group).attempt(context(job))

    assert isinstance(happened, Failed)
    assert "no handler for type 't'" in happened.error


class Wordless(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Unshowable:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("cannot be shown")


class Bare(JobFailed):
    """An error of ours that was made without us."""

    def __init__(self) -> None:
        Exception.__init__(self, "bare")


class Broken:
    """A handler whose rules fail, not its jobs."""

    def __init__(self, check: Exception | None = None, timeout: object = None) -> None:
        self._check = check
        self._timeout = timeout

    def check(self, params: JSONObject) -> None:
        if self._check is not None:
            raise self._check

    def timeout(self, params: JSONObject) -> timedelta | None:
        if isinstance(self._timeout, Exception):
            raise self._timeout
        return cast("timedelta | None", self._timeout)

    async def run(self, context: Context) -> JSON:
        return None


async def attempted(handler: FunctionHandler | Broken) -> Happened:
    at = await installation({"t": FunctionHandler(lambda context: None)})
    job = await claimed(at, JobSpec("t"))
    at.group.registry.register("t", handler)
    return await Executor(at.group).attempt(context(job))


def raising(error: BaseException) -> FunctionHandler:
    async def fail(context: Context) -> JSON:
        raise error

    return FunctionHandler(fail)


def test_half_of_a_surrogate_pair_in_an_error_is_told_as_stores_can_keep_it() -> None:
    # Not through a run: what would be logged on the way cannot be told by the test runner's own processes.
    assert named(RuntimeError("half \udc80")) == "RuntimeError: half ?"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (asyncio.CancelledError(), "CancelledError: the handler was cancelled, but not by its"),
        (GeneratorExit(), "GeneratorExit: "),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (BaseExceptionGroup("all", [GeneratorExit()]), "BaseExceptionGroup: all"),
        (Wordless(), "Wordless: a Wordless without words"),
        (Bury("never", result=Unshowable()), "never"),
        (Bare(), "bare"),
    ],
    ids=lambda value: ascii(value)[:60] if isinstance(value, str) else type(value).__name__,
)
async def test_whatever_a_handler_raises_is_a_failure_of_its_job(
    raised: BaseException, told: str
) -> None:
    happened = await attempted(raising(raised))

    assert isinstance(happened, Failed)
    assert happened.error.startswith(told)


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (Broken(check=KeyError("to")), "cannot run: KeyError: 'to'"),
        (Broken(timeout=RuntimeError("no rule")), "cannot run: RuntimeError: no rule"),
        (Broken(timeout=5), "cannot run: AttributeError: "),
    ],
)
async def test_rules_that_fail_are_a_failure_of_the_job_too(handler: Broken, told: str) -> None:
    happened = await attempted(handler)

    assert isinstance(happened, Failed)
    assert happened.error.startswith(told)
    assert not happened.permanent


class Keeping(Retry):
    """An error that keeps its pause by itself."""

    def __init__(self, after: object) -> None:
        super().__init__("busy")
        self.after = cast("timedelta | None", after)


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (Retry("busy", after=30), timedelta(seconds=30)),
        (Retry("busy", after=timedelta(minutes=1)), timedelta(minutes=1)),
        (Retry("busy"), None),
        (Keeping(30), timedelta(seconds=30)),
        (Keeping("soon"), None),
        (Keeping(-1), None),
    ],
)
async def test_a_pause_is_in_seconds_or_a_timedelta_else_the_types_own(
    error: Retry, after: timedelta | None
) -> None:
    happened = await attempted(raising(error))

    assert happened == Failed(error="busy", after=after)


@pytest.mark.parametrize("result", [Unshowable(), "\U0001f600" * MAX_RESULT, [[]] * MAX_RESULT])
async def test_a_result_that_cannot_be_kept_does_not_undo_the_work(result: object) -> None:
    async def answer(context: Context) -> JSON:
        return cast(JSON, result)

    happened = await attempted(FunctionHandler(answer))

    assert isinstance(happened, Returned)
    assert (happened.result or "").startswith('{"truncated":true')
    assert len((happened.result or "").encode()) <= MAX_RESULT


class Stubborn:
    """A function that goes on when it is cancelled, until it may leave."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.leave = asyncio.Event()

    async def __call__(self, context: Context) -> JSON:
        self.began.set()
        while not self.leave.is_set():
            try:
                await self.leave.wait()
            except asyncio.CancelledError:
                continue
        return "at last"


@pytest.fixture
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.runner.executor.LAST_WORDS", timedelta(milliseconds=10))


@pytest.mark.usefixtures("_no_patience")
async def test_a_handler_that_swallows_its_timeout_is_left_behind() -> None:
    stubborn = Stubborn()
    at = await installation({"t": FunctionHandler(stubborn)})
    given = context(await claimed(at, JobSpec("t", timeout=timedelta(milliseconds=10))))

    happened = await Executor(at.group).attempt(given)

    assert happened == Failed(error="timed out after 0.01 s")
    assert given.cancelled.is_set()
    assert given.thread is not None
    assert not given.thread.done()
    stubborn.leave.set()
    async with asyncio.timeout(SOON):
        await given.thread


@pytest.mark.usefixtures("_no_patience")
async def test_a_handler_that_swallows_its_cancel_is_left_behind() -> None:
    stubborn = Stubborn()
    at = await installation({"t": FunctionHandler(stubborn)})
    given = context(await claimed(at, JobSpec("t")))
    attempt = asyncio.ensure_future(Executor(at.group).attempt(given))
    await stubborn.began.wait()

    attempt.cancel()
    async with asyncio.timeout(SOON):
        await asyncio.wait({attempt})

    assert attempt.cancelled()
    assert given.thread is not None
    stubborn.leave.set()
    await given.thread


async def test_a_handler_that_still_ends_well_when_it_is_cancelled_has_ended_well() -> None:
    began = asyncio.Event()

    async def tidy(context: Context) -> JSON:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done in time"
        return None

    at = await installation({"t": FunctionHandler(tidy)})
    given = context(await claimed(at, JobSpec("t")))
    attempt = asyncio.ensure_future(Executor(at.group).attempt(given))
    await began.wait()

    attempt.cancel()

    assert await attempt == Returned(result='"done in time"')
