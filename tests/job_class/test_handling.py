"""Job classes as handlers: what may be run, and where."""

import asyncio
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType, new_class

import pytest

from penstock.errors import BadJob, SettingsError
from penstock.handler import Context, Handler
from penstock.job_class import Job, JobHandler, found_at, job
from penstock.job_class.handling import place_of
from penstock.queue import JobSpec
from penstock.serialization import JSON
from tests.installation import installation
from tests.runner import heavy
from tests.test_handler import context


class Add(Job, type="add", timeout=3, dedupe=True, max_attempts=7):
    """Adds."""

    left: int
    right: int = 1

    def run(self, context: Context) -> JSON:
        return [self.left + self.right, threading.current_thread().name]


class AddAsync(Job, type="add_async"):
    """Adds in the loop."""

    left: int

    async def run(self, context: Context) -> JSON:
        return [self.left, context.attempt]


class PushedOnly(Job, type="pushed_only"):
    """Runs elsewhere."""

    to: str


class Base(Job):
    """No type."""

    async def run(self, context: Context) -> None: ...


def given(params: Mapping[str, JSON]) -> Context:
    made = context()
    made.params = params
    return made


async def test_a_run_that_blocks_is_in_a_thread_and_another_in_the_loop() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="jobs") as threads:
        blocking = given({"left": 2})
        blocking.threads = threads

        assert await JobHandler(Add).run(blocking) == [3, "jobs_0"]
    assert await JobHandler(AddAsync).run(given({"left": 2})) == [2, 2]


def test_it_is_a_handler_that_checks_params_and_has_the_timeout_of_the_class() -> None:
    handler: Handler = JobHandler(Add)

    handler.check({"left": 1})
    with pytest.raises(BadJob, match="left: expected `int`, got `str`"):
        handler.check({"left": "1"})

    assert handler.timeout({}) == timedelta(seconds=3)
    assert JobHandler(AddAsync).timeout({}) is None


@pytest.mark.parametrize(
    ("job_class", "told"),
    [
        (Base, 'class Base: has no type and is a base for others; give it `type="…"`'),
        (PushedOnly, "class PushedOnly: has no run; add `def run(self, context)` or `async def"),
    ],
)
def test_a_class_that_cannot_be_run_is_refused(job_class: type[Job], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        JobHandler(job_class)

    assert str(caught.value).startswith(told)


def test_a_class_whose_annotations_mean_nothing_is_refused() -> None:
    body = {"__annotations__": {"to": "Nowhere"}, "__module__": __name__}
    local = new_class("Local", (AddAsync,), {"type": "local"}, lambda names: names.update(body))

    with pytest.raises(SettingsError, match="name 'Nowhere' is not defined"):
        JobHandler(local)


async def test_the_options_of_a_class_hold_whoever_pushes_its_jobs() -> None:
    at = await installation({"add": JobHandler(Add)})

    new = at.group.prepare(JobSpec("add", {"left": 1}))
    own = at.group.prepare(Add(1).as_spec())

    assert (new.max_attempts, new.details.timeout) == (7, timedelta(seconds=3))
    assert new == own


async def test_params_that_do_not_fit_the_class_are_refused_at_the_push() -> None:
    at = await installation({"add": JobHandler(Add)})

    with pytest.raises(BadJob) as caught:
        at.group.prepare(JobSpec("add", {"lft": 1}))

    assert str(caught.value) == (
        "params.lft: is unknown; did you mean left?; params.left: is missing"
    )


class Recording:
    """Processes that remember what they were asked for."""

    def __init__(self) -> None:
        self.places: list[str] = []

    async def run(self, place: str, context: Context) -> JSON:
        self.places.append(place)
        return "elsewhere"


async def test_what_is_bound_to_a_processor_runs_in_a_process() -> None:
    processes = Recording()
    asked, plain = given({"do": "echo"}), given({"left": 1})
    asked.processes = plain.processes = processes

    assert await JobHandler(heavy.Heavy).run(asked) == "elsewhere"
    assert await JobHandler(heavy.heavy_function.job).run(asked) == "elsewhere"
    assert await JobHandler(AddAsync).run(plain) == [1, 2]
    assert processes.places == ["tests.runner.heavy:Heavy", "tests.runner.heavy:heavy_function"]


def test_a_place_leads_back_to_the_class() -> None:
    assert found_at(place_of(heavy.Heavy)) is heavy.Heavy
    assert found_at(place_of(heavy.heavy_function.job)) is heavy.heavy_function.job
    with pytest.raises(SettingsError, match=r"tests\.runner\.heavy:Nothing is no job class"):
        found_at("tests.runner.heavy:Nothing")


def test_what_another_process_cannot_import_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Local(Job, type="local", cpu_bound=True):
        def run(self, context: Context) -> None: ...

    def function(a: int) -> None: ...

    renamed = job(cpu_bound=True)(function)
    function.__qualname__ = "function"
    script = type("Script", (Base,), {"__module__": "__main__"}, type="script", cpu_bound=True)
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    setattr(sys.modules["__main__"], "Script", script)  # noqa: B010  no checker knows it

    for wrong in (Local, renamed.job, script):
        with pytest.raises(SettingsError, match="cpu_bound: another process cannot import"):
            JobHandler(wrong)


async def test_two_at_once_do_not_meet() -> None:
    handler = JobHandler(AddAsync)

    answers = await asyncio.gather(*[handler.run(given({"left": i})) for i in range(3)])

    assert answers == [[0, 2], [1, 2], [2, 2]]


async def test_equal_jobs_meet_whoever_pushes_them_unless_one_is_wanted_twice() -> None:
    class Sum(Add, type="sum", dedupe=("left", "right")):
        pass

    at = await installation({"sum": JobHandler(Sum)})

    plain = at.group.prepare(JobSpec("sum", {"left": 1}))
    typed = at.group.prepare(Sum(1, 1).as_spec())
    twice = at.group.prepare(JobSpec("sum", {"left": 1}, dedupe=False))

    assert plain.dedupe_key == typed.dedupe_key is not None
    assert twice.dedupe_key is None


async def test_a_class_that_fails_at_its_own_params_is_told_as_a_wrong_param() -> None:
    class Picky(Add, type="picky"):
        def __post_init__(self) -> None:
            raise KeyError(self.left)

    at = await installation({"picky": JobHandler(Picky)})

    with pytest.raises(BadJob, match=r"params: cannot be checked: .* failed with KeyError"):
        at.group.prepare(JobSpec("picky", {"left": 1}))
