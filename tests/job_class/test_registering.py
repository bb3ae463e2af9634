"""What users may hand over as their jobs."""

from types import ModuleType

import pytest

from penstock.errors import SettingsError
from penstock.handler import Context, FunctionHandler, Registry
from penstock.job_class import Job, JobHandler, handlers_of, job
from penstock.serialization import JSON, JSONObject
from tests.job_class.test_handling import Base, PushedOnly


class First(Job, type="first"):
    """A job."""

    async def run(self, context: Context) -> None: ...


class Another(Job, type="first"):
    """A job of the same type."""

    async def run(self, context: Context) -> None: ...


@job
def second(a: int) -> None: ...


def plain(context: Context) -> JSON:
    return None


class Own:
    """A handler of somebody's own."""

    def check(self, params: JSONObject) -> None: ...

    def timeout(self, params: JSONObject) -> None: ...

    async def run(self, context: Context) -> JSON:
        return None


def module(**names: object) -> ModuleType:
    made = ModuleType("myjobs")
    vars(made).update(names)
    return made


HANDLER = FunctionHandler(plain)


@pytest.mark.parametrize(
    ("jobs", "types"),
    [
        ((), []),
        ({}, []),
        (First, ["first"]),
        (second, ["second"]),
        ([First, second, First, second.job], ["first", "second"]),
        ((one for one in (First, second)), ["first", "second"]),
        ({"first": First, "second": second, "third": plain, "own": Own()}, None),
        (Registry({"any": HANDLER}), ["any"]),
        (module(First=First, Alias=First, Base=Base, Job=Job, f=second, x=3), ["first", "second"]),
    ],
)
def test_jobs_are_understood_in_all_their_shapes(jobs: object, types: list[str] | None) -> None:
    handlers = handlers_of(jobs)

    assert sorted(handlers) == (types or sorted(handlers))
    assert all(isinstance(handlers[type], JobHandler) for type in handlers if type in {"first"})


def test_a_mapping_keeps_handlers_and_makes_them_of_functions() -> None:
    own = Own()

    handlers = handlers_of({"first": First, "second": second, "third": plain, "own": own})

    assert [type(one) for one in handlers.values()] == [
        JobHandler,
        JobHandler,
        FunctionHandler,
        Own,
    ]
    assert handlers["own"] is own
    assert handlers_of(Registry({"own": own}))["own"] is own


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ([First, Another], "type first is that of class First and of class Another; rename one"),
        (module(a=First, b=Another), "type first is that of class First and of class Another"),
        ([PushedOnly], "class PushedOnly: has no run"),
        ([Base], "class Base: has no type"),
        (module(a=3, b=Base), "module myjobs holds no jobs; define classes with a type"),
        ([First()], "First() is one job; give its class"),
        (First(), "a First holds no jobs; give a job class"),
        ([plain], "function plain is no job; give a job class"),
        (plain, "function plain holds no jobs; give a job class"),
        (dict, "class dict is no job; give a job class"),
        ("jobs", "'jobs' holds no jobs; give a job class"),
        (3, "a int holds no jobs; give a job class"),
        ({"two words": plain}, "'two words' is no name of a type"),
        ({3: plain}, "3 is no name of a type"),
        ({"other": First}, "class First has the type first, not other; use its own"),
        ({"other": second}, "class second has the type second, not other; use its own"),
        ({"a": 3}, "a is no handler; give a function of the context, a job class, or an object"),
        ({"a": Own}, "a is no handler; give a function of the context, a job class, or an object"),
    ],
)
def test_what_holds_no_jobs_is_refused(jobs: object, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        handlers_of(jobs)

    assert str(caught.value).startswith(told)
