# long: all that users are given for their tests
"""What users' tests are given, used as users do."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from penstock import (
    Bury,
    Context,
    FunctionHandler,
    Job,
    JobFailed,
    JobSpec,
    NotAllowed,
    Retry,
    State,
    UnknownType,
    job,
)
from penstock.errors import BadJob
from penstock.job import Progress
from penstock.serialization import JSON
from penstock.settings import CommandSettings, HttpSettings, QueueSettings, Settings, StoreSettings
from penstock.testing import MemoryPenstock, run_job

MINUTE = timedelta(minutes=1)


class SendMail(Job, type="send_mail", max_attempts=2):
    to: str
    subject: str = "hi"

    async def run(self, context: Context) -> JSON:
        context.report(50, "half")
        if self.to == "nobody":
            raise Bury("no such box")
        if self.to == "later" and context.attempt == 1:
            raise Retry("busy", after=60)
        return {"sent": self.to, "attempt": context.attempt}


@job("greet")
def greet(name: str) -> str:
    """Greet somebody."""
    return f"hello {name}"


class Chain(Job, type="chain"):
    left: int

    async def run(self, context: Context) -> None:
        """Nothing: the fixture's penstock pushes the next."""


@pytest.fixture
async def penstock() -> AsyncIterator[MemoryPenstock]:
    async with MemoryPenstock([SendMail, greet]) as made:
        yield made


async def test_a_job_runs_inline_and_answers_its_result() -> None:
    reports: list[Progress] = []

    result = await run_job(SendMail("a"), attempt=2, reports=reports)

    assert result == {"sent": "a", "attempt": 2}
    assert reports == [Progress(percent=50, message="half")]


async def test_what_a_job_raises_reaches_the_test() -> None:
    with pytest.raises(Bury, match="no such box"):
        await run_job(SendMail("nobody"))
    with pytest.raises(Retry, match="busy") as caught:
        await run_job(SendMail("later"))

    assert caught.value.after == MINUTE
    assert await run_job(SendMail("later"), attempt=2) == {"sent": "later", "attempt": 2}


def test_a_test_without_a_loop_runs_a_job_too() -> None:
    assert asyncio.run(run_job(greet("ann"))) == "hello ann"


async def test_a_job_without_a_class_runs_with_the_handlers_that_are_given() -> None:
    async def echo(context: Context) -> JSON:
        return [*context.params.values(), context.attempt, context.job.max_attempts]

    spec = JobSpec("echo", {"a": 1}, max_attempts=5, delay=MINUTE)

    assert await run_job(spec, jobs={"echo": echo}) == [1, 1, 5]
    with pytest.raises(TypeError, match="no handler for type 'echo'"):
        await run_job(spec)


async def test_a_job_that_could_not_be_pushed_or_kept_does_not_run() -> None:
    with pytest.raises(BadJob, match=r"params\.to"):
        await run_job(SendMail(cast("str", 5)))
    with pytest.raises(BadJob, match="result: a set is no JSON"):
        await run_job(JobSpec("a"), jobs={"a": lambda context: {1}})
    with pytest.raises(JobFailed, match="returned False"):
        await run_job(JobSpec("a"), jobs={"a": lambda context: False})


@pytest.mark.parametrize("what", [SendMail, greet, 3])
async def test_what_is_no_job_is_refused_as_at_a_push(what: object) -> None:
    with pytest.raises(TypeError, match=r"^this is .*; push "):
        await run_job(cast("JobSpec", what))


async def test_a_job_can_be_run_as_if_it_was_cancelled() -> None:
    handlers = {"a": lambda context: context.cancelled.is_set()}

    assert await run_job(JobSpec("a"), jobs=handlers, cancelled=True) is True
    assert await run_job(JobSpec("a"), jobs={"a": lambda context: str(context.cancelled)})


async def test_what_was_pushed_is_told_in_its_types_and_order(penstock: MemoryPenstock) -> None:
    await penstock.push([SendMail("a"), greet("ann"), SendMail("b", subject="x")])
    await penstock.push(JobSpec("elsewhere", {"n": 1}))

    assert penstock.pushed(SendMail) == [SendMail("a"), SendMail("b", subject="x")]
    assert penstock.pushed(greet) == [greet("ann")]
    assert penstock.pushed("elsewhere") == [{"n": 1}]


async def test_a_push_that_stored_nothing_was_none(penstock: MemoryPenstock) -> None:
    for _ in range(2):
        await penstock.push(SendMail("a"), dedupe=True)
        await penstock.push(SendMail("b"), idempotency_key="k")

    assert penstock.pushed(SendMail) == [SendMail("a"), SendMail("b")]


async def test_pushes_are_asserted_by_some_of_their_fields(penstock: MemoryPenstock) -> None:
    await penstock.push([SendMail("a"), greet("ann"), JobSpec("elsewhere", {"n": 1})])

    penstock.assert_pushed(SendMail)
    penstock.assert_pushed(SendMail, to="a")
    penstock.assert_pushed(greet, name="ann")
    penstock.assert_pushed("elsewhere", n=1)
    penstock.assert_not_pushed(SendMail, to="b")
    penstock.assert_not_pushed("nothing")
    penstock.assert_not_pushed("elsewhere", m=1)


async def test_a_field_may_be_called_as_ours_are() -> None:
    async with MemoryPenstock() as penstock:
        await penstock.push(JobSpec("a", {"kind": 1, "self": 2}))

        penstock.assert_pushed("a", kind=1, self=2)
        penstock.assert_not_pushed("a", kind=2)


async def test_an_assertion_that_fails_says_what_was_pushed(penstock: MemoryPenstock) -> None:
    await penstock.push([SendMail("a"), SendMail("b")])

    wrong = r"no SendMail\(to='c'\) was pushed; pushed were: SendMail\(to='a', .*, SendMail\(to='b'"
    with pytest.raises(AssertionError, match=wrong):
        penstock.assert_pushed(SendMail, to="c")
    with pytest.raises(AssertionError, match=r"no greet\(\) .* jobs of the types: send_mail"):
        penstock.assert_pushed(greet)
    with pytest.raises(AssertionError, match=r"SendMail\(to='a'\) was pushed: SendMail\(to='a', "):
        penstock.assert_not_pushed(SendMail, to="a")
    for check in (penstock.assert_pushed, penstock.assert_not_pushed):
        with pytest.raises(TypeError, match="no field 'too'; did you mean to"):
            check(SendMail, too="a")


async def test_a_run_runs_all_that_is_due_and_tells_it_in_order(penstock: MemoryPenstock) -> None:
    await penstock.push([SendMail("a"), greet("ann"), SendMail("nobody")])
    await penstock.push(SendMail("b"), priority=900)

    ran = await penstock.run()

    assert [job.id for job in ran] == [4, 2, 1, 3]  # equal types take turns
    assert [job.state for job in ran] == [State.DONE] * 3 + [State.DEAD]
    assert await penstock.result(1) == {"sent": "a", "attempt": 1}
    assert ran[3].error == "no such box"
    assert await penstock.run() == []


async def test_time_moves_only_with_the_clock(penstock: MemoryPenstock) -> None:
    later = await penstock.push(SendMail("later"))
    delayed = await penstock.push(greet("ann"), delay=90)

    first = await penstock.run()
    penstock.clock.tick(MINUTE)
    second = await penstock.run()
    penstock.clock.tick(MINUTE)
    third = await penstock.run()

    assert [[job.id for job in ran] for ran in (first, second, third)] == [
        [later.id],
        [later.id],
        [delayed.id],
    ]
    assert (first[0].state, second[0].state) == (State.SCHEDULED, State.DONE)


async def test_jobs_that_push_jobs_run_to_the_end_and_endless_ones_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.testing.MOST", 20)

    async def chain(context: Context) -> JSON:
        left = context.params["left"]
        assert isinstance(left, int)
        if left:
            await made.push(Chain(left - 1))
        return left

    async with MemoryPenstock({"chain": chain}) as made:
        await made.push(Chain(5))
        assert [job.result for job in await made.run()] == ["5", "4", "3", "2", "1", "0"]
        await made.push(Chain(10**6))
        with pytest.raises(RuntimeError, match="20 jobs have run and there are more"):
            await made.run()


async def test_commands_and_callbacks_are_checked_but_not_carried_out() -> None:
    http = HttpSettings(allow_private=("127.0.0.0/8",))
    settings = Settings(commands=CommandSettings(http=http))
    nobody = {"type": "http", "url": "http://127.0.0.1:9/"}
    async with MemoryPenstock([SendMail], settings=settings) as penstock:
        await penstock.push(SendMail("a"), callbacks={"done": nobody}, callback_done=nobody)
        await penstock.push(SendMail("a"), callback_done=SendMail("b"))
        await penstock.push(JobSpec("http", {"url": "http://127.0.0.1:9/"}))
        with pytest.raises(BadJob, match=r"params\.url"):
            await penstock.push(JobSpec("http"))
        with pytest.raises(NotAllowed):
            await penstock.push(JobSpec("exec", {"argv": ["/bin/true"]}))

        ran = await penstock.run()

    assert {job.state for job in ran} == {State.DONE}
    assert [job.type for job in ran].count("callback") == 3
    assert '{"sent":"b","attempt":1}' in {job.result for job in ran}


async def test_a_command_runs_for_real_where_that_is_asked_for() -> None:
    settings = Settings(commands=CommandSettings(http=HttpSettings(("127.0.0.0/8",))))
    async with MemoryPenstock(settings=settings, really=["http"]) as penstock:
        pushed = await penstock.push(
            JobSpec("http", {"url": "http://127.0.0.1:1/"}), max_attempts=1
        )
        [ran] = await penstock.run()

    assert (ran.id, ran.state) == (pushed.id, State.DEAD)
    assert "no answer from http://127.0.0.1:1" in (ran.error or "")


async def test_a_handler_of_ones_own_takes_the_place_of_a_command() -> None:
    mine = FunctionHandler(lambda context: "mine")
    async with MemoryPenstock({"http": mine}) as penstock:
        await penstock.push(JobSpec("http"))
        [ran] = await penstock.run()

    assert ran.result == '"mine"'


def test_no_file_and_no_variable_counts_but_the_settings_that_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PENSTOCK_NONSENSE", "1")
    (tmp_path / "penstock.toml").write_text("nonsense")
    stores = {
        "disk": StoreSettings(url=f"sqlite:///{tmp_path}/a.db"),
        "fast": StoreSettings(url="redis://127.0.0.1:1/", number=1),
    }
    queues = {"default": QueueSettings(store="disk"), "send_mail": QueueSettings(store="fast")}
    start = datetime(2030, 1, 1, tzinfo=UTC)

    penstock = MemoryPenstock(
        [SendMail], settings=Settings(stores=stores, queues=queues), now=start
    )
    pushed = penstock.push_sync(SendMail("a"))
    [ran] = penstock.sync(penstock.run)
    penstock.close_sync()

    assert pushed.id == 10**13 + 1
    assert ran.pushed_at == start
    assert [path.name for path in tmp_path.iterdir()] == ["penstock.toml"]


def test_a_federated_store_is_one_over_stores_in_memory() -> None:
    stores = {
        "east": StoreSettings(url="redis://127.0.0.1:1/", number=1),
        "west": StoreSettings(url="redis://127.0.0.1:1/", number=2),
        "wide": StoreSettings(partitions={"east": 0, "west": 1}),
    }
    queues = {"default": QueueSettings(store="wide")}

    penstock = MemoryPenstock([SendMail], settings=Settings(stores=stores, queues=queues))
    pushed = penstock.push_sync(SendMail("a"))
    [ran] = penstock.sync(penstock.run)
    penstock.close_sync()

    assert (pushed.id, ran.id) == (2 * 10**13 + 1, pushed.id)


def test_a_test_without_a_loop_does_the_same() -> None:
    penstock = MemoryPenstock([SendMail])

    penstock.push_sync(SendMail("a"))

    penstock.assert_pushed(SendMail, to="a")
    [ran] = penstock.sync(penstock.run)
    assert ran.state is State.DONE
    penstock.close_sync()
    assert "penstock" not in {thread.name for thread in threading.enumerate()}


async def test_strangers_are_refused_as_in_a_real_one(penstock: MemoryPenstock) -> None:
    with pytest.raises(UnknownType):
        penstock.group.admit(JobSpec("elsewhere"))


USERS = """
import pytest

from penstock import Context, Job
from penstock.testing import *
from penstock.testing import MemoryPenstock, run_job


class Add(Job, type="add"):
    a: int

    def run(self, context: Context) -> int:
        return self.a + 1


@pytest.fixture
def penstock():
    made = MemoryPenstock([Add])
    yield made
    made.close_sync()


def test_one(penstock):
    penstock.push_sync([Add(1), Add(2)])
    assert [job.result for job in penstock.sync(penstock.run)] == ["2", "3"]


@pytest.mark.asyncio
async def test_two():
    async with MemoryPenstock([Add]) as penstock:
        await penstock.push(Add(1))
        penstock.assert_pushed(Add, a=1)
    assert await run_job(Add(1)) == 2


def test_three_leaves_it_open():
    MemoryPenstock([Add]).push_sync(Add(1))
"""


@pytest.mark.slow
def test_a_users_suite_collects_only_its_tests_and_sees_no_warning(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(USERS)
    strict = ["-W", "error", "-o", "filterwarnings=error", "-p", "no:cacheprovider", "-q"]
    strict += ["-o", "asyncio_default_fixture_loop_scope=function"]

    answer = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "pytest", *strict, "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout
    assert "3 passed" in answer.stdout
    assert "arning" not in answer.stdout + answer.stderr
