"""Jobs made of functions: which parameters are params, and where they run."""

import inspect
import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import cast

import pytest

import penstock
from penstock.errors import BadJob, SettingsError
from penstock.handler import Answer, Context
from penstock.job_class import Job, JobHandler, job, options_of
from penstock.queue import JobSpec
from penstock.serialization import JSON
from tests.test_handler import context


@job("send_mail", max_attempts=5, timeout=60)
async def send_mail(context: Context, to: str, subject: str = "hi") -> JSON:
    """Sends a mail."""
    return [context.attempt, to, subject]


@job
def resize(path: str, *, width: int = 100) -> JSON:
    return [path, width, threading.current_thread() is threading.main_thread()]


async def ran(job_class: type[Job], params: dict[str, JSON]) -> JSON:
    given = context()
    given.params = params
    return await JobHandler(job_class).run(given)


def test_a_call_makes_a_job_and_runs_nothing() -> None:
    made = send_mail("a@b.example", subject="x")

    assert isinstance(made, send_mail.job)
    assert made.as_spec() == JobSpec(
        "send_mail",
        {"to": "a@b.example", "subject": "x"},
        max_attempts=5,
        timeout=timedelta(minutes=1),
    )


def test_the_type_is_the_name_of_the_function_unless_it_is_given() -> None:
    @job()
    def unnamed() -> None: ...

    @job(priority=3)
    def options_alone() -> None: ...

    assert options_of(resize.job).type == "resize"
    assert options_of(unnamed.job).type == "unnamed"
    assert options_of(options_alone.job).type == "options_alone"
    assert options_of(options_alone.job).priority == 3


async def test_the_function_gets_its_params_and_the_context() -> None:
    assert await ran(send_mail.job, {"to": "a"}) == [2, "a", "hi"]


async def test_a_function_that_blocks_runs_in_a_thread() -> None:
    assert await ran(resize.job, {"path": "a", "width": 3}) == ["a", 3, False]


async def test_the_plain_function_can_be_called_by_a_test() -> None:
    assert await send_mail.function(context(), "a") == [2, "a", "hi"]
    assert resize.function("a") == ["a", 100, True]


def test_it_looks_like_the_function() -> None:
    assert inspect.getdoc(send_mail) == "Sends a mail."
    assert inspect.unwrap(send_mail) is send_mail.function
    assert repr(send_mail("a")) == "send_mail(to='a', subject='hi')"
    assert send_mail.job.__doc__ == "Sends a mail."


def with_text(c: "Context", a: int) -> None: ...


def with_path(c: "penstock.Context", a: int) -> None: ...


def with_another(context: str) -> None: ...


def by_keyword(*, context: str) -> None: ...


def not_first(a: int, context: str) -> None: ...


def nothing() -> None: ...


@pytest.mark.parametrize(
    ("function", "params"),
    [
        (lambda context: None, []),
        (lambda other: None, ["other"]),
        (with_text, ["a"]),
        (with_path, ["a"]),
        (with_another, ["context"]),
        (by_keyword, ["context"]),
        (not_first, ["a", "context"]),
        (nothing, []),
    ],
)
def test_only_a_first_parameter_that_is_a_context_is_no_param(
    function: Callable[..., Answer], params: list[str]
) -> None:
    made = job("t")(function).job

    assert list(inspect.signature(made).parameters) == params


async def test_parameters_by_place_and_by_keyword_reach_the_function() -> None:
    @job
    def mixed(first: int, /, second: int, *, third: int = 3) -> JSON:
        return [first, second, third]

    assert mixed(1, 2).as_spec().params == {"first": 1, "second": 2, "third": 3}
    assert await ran(mixed.job, {"first": 4, "second": 5}) == [4, 5, 3]
    with pytest.raises(TypeError):
        cast("Callable[..., Job]", mixed.job)(1, 2, 3)


async def test_a_default_that_can_change_is_new_for_each_job() -> None:
    @job
    def collect(into: list[int] = []) -> JSON:  # noqa: B006  a user may well write this
        into.append(1)
        return into

    assert [await ran(collect.job, {}), await ran(collect.job, {})] == [[1], [1]]


async def test_a_parameter_without_an_annotation_takes_any_json() -> None:
    loose = job("loose")(lambda value, other=None: [value, other])

    assert await ran(loose.job, {"value": {"a": [1]}}) == [{"a": [1]}, None]


def test_a_param_of_another_type_is_refused_when_it_is_pushed() -> None:
    with pytest.raises(BadJob, match=r"params\.to: expected `str`, got `int`"):
        send_mail(cast("str", 3)).as_spec()


def test_params_that_do_not_fit_the_function_are_refused_when_it_is_called() -> None:
    call = cast("Callable[..., Job]", send_mail)

    for given in ((), ("a", "b", "c")):
        with pytest.raises(TypeError, match=r"send_mail\.__init__"):
            call(*given)
    with pytest.raises(TypeError, match=r"send_mail\.__init__"):
        call("a", cc="b")


def any_number(*paths: str) -> None: ...


def any_names(**params: str) -> None: ...


def hides(run: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (any_number, "function any_number: its *paths: str names no params; name each of them"),
        (any_names, "function any_names: its **params: str names no params"),
        (hides, "function hides: a param cannot be called 'run'; give it another name"),
        (lambda: None, "class test_function.<lambda>"),
    ],
)
def test_a_function_that_cannot_be_a_job_is_refused(
    function: Callable[..., Answer], told: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        job(function)

    assert str(caught.value).startswith(told.replace("test_function.", ""))


def test_options_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(SettingsError, match="class resize: max_attempts: is not within 1 and 1000"):
        job("t", max_attempts=0)(resize.function)
    with pytest.raises(SettingsError, match=r"@job: 3 is no function; write `@job` above a `def`"):
        job(cast("str", 3))


def test_the_fields_of_its_class_are_those_of_a_dataclass() -> None:
    assert [one.name for one in fields(cast("type[JobFields]", send_mail.job))] == ["to", "subject"]


class JobFields(Job):
    """Any job class, as a checker knows it to be a dataclass."""
