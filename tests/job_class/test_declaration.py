"""Job classes: what a declaration means, and what cannot be meant."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields
from datetime import timedelta
from types import new_class
from typing import cast

import pytest

from penstock.errors import BadJob, SettingsError
from penstock.handler import Context
from penstock.job_class import Job, Options, options_of
from penstock.queue import JobSpec
from tests.test_handler import context


class SendMail(Job, type="send_mail", max_attempts=5, timeout=60, priority=800, dedupe=("to",)):
    """Sends a mail."""

    to: str
    subject: str = "hi"
    tags: list[str] = field(default_factory=list)

    async def run(self, context: Context) -> str:
        return f"{self.subject}, {self.to}"


def declared(fields: dict[str, type] | None = None, **options: object) -> type:
    """A job class with these fields and options."""
    body = {"__annotations__": fields or {}, "__module__": __name__}
    return new_class("Declared", (Job,), options, lambda names: names.update(body))


def test_a_job_is_pushed_with_its_fields_as_params_and_its_options() -> None:
    spec = SendMail("a@b.example", subject="x").as_spec()

    assert spec == JobSpec(
        "send_mail",
        {"to": "a@b.example", "subject": "x", "tags": []},
        max_attempts=5,
        timeout=timedelta(minutes=1),
        priority=800,
        dedupe=("to",),
    )


def test_a_job_is_a_frozen_dataclass() -> None:
    job = SendMail("a")

    assert job == SendMail("a", "hi", [])
    assert repr(job) == "SendMail(to='a', subject='hi', tags=[])"
    with pytest.raises(FrozenInstanceError):
        setattr(job, "to", "b")  # noqa: B010  a checker would refuse the assignment


@pytest.mark.parametrize("timeout", [1.5, timedelta(seconds=1.5)])
def test_a_timeout_is_in_seconds_or_a_timedelta(timeout: object) -> None:
    assert options_of(declared(type="t", timeout=timeout)).timeout == timedelta(seconds=1.5)


def test_what_a_class_leaves_out_is_as_in_its_base_but_never_the_type() -> None:
    class Base(Job, max_attempts=7, cpu_bound=True):
        to: str

    class First(Base, type="first"):
        pass

    class Second(First, max_attempts=2):
        more: int = 0

    assert options_of(First) == Options(type="first", max_attempts=7, cpu_bound=True)
    assert options_of(Second) == Options(max_attempts=2, cpu_bound=True)
    assert [one.name for one in fields(Second("a"))] == ["to", "more"]


def test_a_job_without_a_type_cannot_be_pushed_and_says_so() -> None:
    class Base(Job):
        to: str

    with pytest.raises(
        BadJob, match=r"type: class .*Base has none; write `class .*type="
    ) as caught:
        Base("a").as_spec()

    assert [error.field for error in caught.value.errors] == ["type"]


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (lambda: SendMail(cast("str", 3)), "params.to: expected `str`, got `int`"),
        (
            lambda: SendMail("a", tags=cast("list[str]", [1])),
            "params.tags[0]: expected `str`, got `int`",
        ),
        (
            lambda: SendMail("a", subject=cast("str", object())),
            "params.subject: cannot be kept as JSON: a object is no JSON",
        ),
    ],
)
def test_a_param_of_another_type_is_refused_when_it_is_pushed(
    job: Callable[[], SendMail], told: str
) -> None:
    with pytest.raises(BadJob) as caught:
        job().as_spec()

    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"type": "two words"}, "type: 'two words' is no name; use 1 to 100 of"),
        ({"type": ""}, "type: '' is no name"),
        ({"type": 3}, "type: is no text; give the name"),
        ({"type": "callback"}, "type: callback jobs are pushed by Penstock alone"),
        ({"max_attempts": 0}, "max_attempts: is not within 1 and 1000"),
        ({"max_attempts": "3"}, "max_attempts: is no whole number"),
        ({"priority": 1001}, "priority: is not within 0 and 1000"),
        ({"timeout": 0}, "timeout: is out of range; give 0.001 s to 3660 days"),
        ({"timeout": -1}, "timeout=-1 is negative"),
        ({"timeout": "60"}, "timeout is no duration but '60'; give seconds or a timedelta"),
        ({"dedupe": "to"}, "dedupe is 'to'; give True, or a tuple of the fields that count"),
        ({"dedupe": ()}, "dedupe is (); give True, or a tuple"),
        ({"dedupe": ("from",)}, "dedupe names 'from', which is no field of it"),
        ({"cpu_bound": 1}, "cpu_bound is 1; give True or False"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_when_the_class_is_defined(
    options: dict[str, object], told: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        declared({"to": str}, **options)

    assert str(caught.value).startswith(f"class Declared: {told}")


@pytest.mark.parametrize("name", ["run", "as_spec", "_options"])
def test_a_field_that_hides_what_every_job_has_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"class Declared: the field '{name}' hides"):
        declared({name: int}, type="t")


def test_fields_may_be_called_as_options_are() -> None:
    class Report(Job, type="report", timeout=5):
        type: str
        timeout: int
        priority: str = "low"

    assert Report("pdf", 3).as_spec() == JobSpec(
        "report",
        {"type": "pdf", "timeout": 3, "priority": "low"},
        timeout=timedelta(seconds=5),
    )


def test_options_fill_in_only_what_a_push_leaves_open() -> None:
    options = options_of(SendMail)
    asked = JobSpec("send_mail", priority=1, max_attempts=1, timeout=timedelta(1), dedupe=False)

    assert options.complete(asked) == asked
    assert options.complete(JobSpec("send_mail")) == JobSpec(
        "send_mail",
        priority=800,
        max_attempts=5,
        timeout=timedelta(minutes=1),
        dedupe=("to",),
    )


def test_a_job_without_a_run_says_so_where_it_is_run() -> None:
    class PushedOnly(Job, type="pushed_only"):
        to: str

    assert PushedOnly("a").as_spec().type == "pushed_only"
    with pytest.raises(TypeError, match=r"class .*PushedOnly has no run; add one"):
        PushedOnly("a").run(context())


async def test_a_job_can_be_run_by_hand() -> None:
    assert await SendMail("a").run(context()) == "hi, a"
