"""Runs the jobs of a class: makes an instance of the params and calls its `run`."""

import contextlib
import importlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from penstock.errors import SettingsError
from penstock.handler import Context, FunctionHandler, is_async
from penstock.job_class.declaration import Job, options_of, refusal
from penstock.job_class.function import JobFunction
from penstock.job_class.params import check_kind, made_of, written
from penstock.queue import JobSpec
from penstock.serialization import JSON, JSONObject


class JobHandler:
    """The handler of a job class.

    Raises SettingsError for a class that cannot be run: one without a type or a `run`, with annotations that mean
    nothing, or, where it is bound to a processor, one that another process cannot import.
    """

    def __init__(self, job_class: type[Job]) -> None:
        named = f"class {job_class.__qualname__}"
        self.options = options_of(job_class)
        if self.options.type is None:
            raise refusal(named, 'has no type and is a base for others; give it `type="…"`')
        if job_class.run is Job.run:
            raise refusal(named, "has no run; add `def run(self, context)` or `async def run`")
        check_kind(job_class)
        self.job_class = job_class
        self.blocks = not is_async(job_class.run)
        self._place = place_of(job_class) if self.options.cpu_bound else None

    def check(self, params: JSONObject) -> None:
        """Nothing, if a job can be made of these params; else BadJob naming the field."""
        made_of(params, self.job_class)

    def complete(self, spec: JobSpec) -> JobSpec:
        """The spec, with what it leaves open as the class says; where equal jobs shall meet, with all its params."""
        if self.options.dedupe and isinstance(spec.params, Mapping):
            with contextlib.suppress(Exception):  # `check` comes next and tells what is wrong
                spec = replace(spec, params=written(made_of(spec.params, self.job_class)))
        return self.options.complete(spec)

    def timeout(self, params: JSONObject) -> timedelta | None:
        """As the class says."""
        return self.options.timeout

    async def run(self, context: Context) -> JSON:
        """What the job's `run` answers: here, or in a process of its own where the class asks for that."""
        if self._place is not None and context.processes is not None:
            return await context.processes.run(self._place, context)
        return await self.run_here(context)

    async def run_here(self, context: Context) -> JSON:
        """What the job's `run` answers, in this process: async in the loop, else in a thread."""
        made = made_of(context.params, self.job_class)
        return await FunctionHandler(made.run).run(context)


def place_of(job_class: type[Job]) -> str:
    """`module:name`, from where another process can import the class; SettingsError where it cannot."""
    place = f"{job_class.__module__}:{job_class.__qualname__}"
    module = sys.modules.get(job_class.__module__)
    importable = job_class.__module__ != "__main__" and "<locals>" not in job_class.__qualname__
    if module is None or not importable or _found(module, job_class.__qualname__) is not job_class:
        raise refusal(
            f"class {job_class.__qualname__}",
            f"cpu_bound: another process cannot import {place}; define it, under that name, at the top "
            "of a module that is imported and not run as a script",
        )
    return place


def found_at(place: str) -> type[Job]:
    """The job class at `module:name`, imported; SettingsError where there is none."""
    module, _, name = place.partition(":")
    found = _found(importlib.import_module(module), name)
    if found is None:
        raise SettingsError(f"{place} is no job class; define it at the top of its module")
    return found


def _found(module: object, name: str) -> type[Job] | None:
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, JobFunction):
        return found.job
    return found if isinstance(found, type) and issubclass(found, Job) else None
