"""Jobs made of a function: its parameters are the params, a call of it makes a job."""

import copy
import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from inspect import Parameter
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from penstock.handler import Answer, Context, is_async
from penstock.job_class.declaration import OURS, Job, refusal
from penstock.serialization import JSON

P = ParamSpec("P")
R = TypeVar("R", bound=Answer)

_BY_PLACE = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
_ANY_NUMBER = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}


class JobFunction(Generic[P, R]):
    """A function whose calls make jobs; `function` is the plain one, to be called in tests.

    `job` is the job class: its fields are the function's parameters, without the context.
    """

    def __init__(self, function: Callable[..., R], job_class: type[Job]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.job = job_class

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """A job with these params, to be pushed; nothing runs."""
        return self.job(*args, **kwargs)


class Decorator(Protocol):
    """Makes a job function of a function, which may take the context first."""

    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], R], /) -> JobFunction[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> JobFunction[P, R]: ...


@overload
def job(function: Callable[Concatenate[Context, P], R], /) -> JobFunction[P, R]: ...


@overload
def job(function: Callable[P, R], /) -> JobFunction[P, R]: ...


@overload
def job(
    type: str | None = None,
    /,
    *,
    max_attempts: int | None = None,
    timeout: timedelta | float | None = None,
    priority: int | None = None,
    dedupe: bool | Sequence[str] | None = None,
    cpu_bound: bool | None = None,
) -> Decorator: ...


def job(type: object = None, /, **options: object) -> object:
    """Make jobs of a function: `@job` gives them the function's name as type, `@job("type", …)` another.

    The options are those of a class. A first parameter that is annotated as Context, or is called
    `context` and has no annotation, is given the context of the job that runs; it is no param.
    """
    if inspect.isfunction(type):
        return _job_function(type, type.__name__, options)
    if type is not None and not isinstance(type, str):
        raise refusal("@job", f"{type!r:.50} is no function; write `@job` above a `def`")

    def decorate(function: Callable[..., Answer]) -> object:
        return _job_function(function, function.__name__ if type is None else type, options)

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How a function is called."""

    function: Callable[..., Answer]
    takes_context: bool
    parameters: Sequence[Parameter]

    def call(self, job: Job, context: Context) -> Answer:
        """The function's answer to the params of the job."""
        first = (context,) if self.takes_context else ()
        by_place = [p.name for p in self.parameters if p.kind is Parameter.POSITIONAL_ONLY]
        by_name = [p.name for p in self.parameters if p.name not in by_place]
        places = [getattr(job, name) for name in by_place]
        return self.function(*first, *places, **{name: getattr(job, name) for name in by_name})


def _job_function(
    function: Callable[..., Answer], name: str, options: Mapping[str, object]
) -> JobFunction[..., Answer]:
    shape = _shape(function)
    body = {
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__doc__": function.__doc__,
        "__annotations__": {p.name: _annotation(p) for p in shape.parameters},
        **{p.name: _field(p) for p in shape.parameters},
        "run": _run_of(shape),
    }
    keywords = {"type": name, **options}
    made = types.new_class(function.__name__, (Job,), keywords, lambda names: names.update(body))
    return JobFunction(function, cast("type[Job]", made))


def _shape(function: Callable[..., Answer]) -> _Shape:
    named = f"function {function.__qualname__}"
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters:
        if parameter.kind in _ANY_NUMBER:
            raise refusal(named, f"its {parameter} names no params; name each of them")
    takes_context = bool(parameters) and _is_context(parameters[0])
    rest = parameters[1:] if takes_context else parameters
    reserved = sorted({p.name for p in rest} & OURS)
    if reserved:
        raise refusal(named, f"a param cannot be called {reserved[0]!r}; give it another name")
    return _Shape(function=function, takes_context=takes_context, parameters=rest)


def _is_context(parameter: Parameter) -> bool:
    annotation: object = parameter.annotation
    if parameter.kind not in _BY_PLACE:
        return False
    if annotation is Parameter.empty:
        return parameter.name == "context"
    if isinstance(annotation, str):  # as `from __future__ import annotations` leaves it
        return annotation.strip("\"'").rpartition(".")[2] == "Context"
    return annotation is Context


def _annotation(parameter: Parameter) -> object:
    return object if parameter.annotation is Parameter.empty else parameter.annotation


def _field(parameter: Parameter) -> object:
    by_name = parameter.kind is Parameter.KEYWORD_ONLY
    default = parameter.default
    if default is Parameter.empty:
        return field(kw_only=by_name)
    # A copy for each job: what one does to its list, no other sees.
    return field(kw_only=by_name, default_factory=functools.partial(copy.deepcopy, default))


def _run_of(shape: _Shape) -> Callable[[Job, Context], Answer]:
    """The method that calls the function; async exactly where the function is, so that it runs in the same place."""

    def run(self: Job, context: Context) -> Answer:
        return shape.call(self, context)

    async def run_async(self: Job, context: Context) -> JSON:
        answer = shape.call(self, context)
        return await answer if inspect.isawaitable(answer) else answer

    return run_async if is_async(shape.function) else run
