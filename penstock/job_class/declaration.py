"""The class that says what a job needs: its fields are the params, its options how it is treated."""

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, replace
from datetime import timedelta
from typing import ClassVar, dataclass_transform

from penstock.clock import duration
from penstock.errors import BadJob, SettingsError
from penstock.handler import Answer, Context
from penstock.job import CALLBACK_TYPE
from penstock.job_class.params import made_of, names_of, written
from penstock.queue import JobSpec, check_spec

_NOTHING = (None, None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the jobs of a class are treated. None: as the policy of their type says."""

    type: str | None = None  # None: the class is a base for others
    max_attempts: int | None = None
    timeout: timedelta | None = None
    priority: int | None = None
    dedupe: bool | tuple[str, ...] | None = None
    cpu_bound: bool = False

    def complete(self, spec: JobSpec) -> JobSpec:
        """The spec, with what it leaves open as these options say."""
        asked = (spec.max_attempts, spec.timeout, spec.priority, spec.dedupe)
        ours = (self.max_attempts, self.timeout, self.priority, self.dedupe)
        if ours in (asked, _NOTHING):
            return spec
        return replace(
            spec,
            max_attempts=self.max_attempts if spec.max_attempts is None else spec.max_attempts,
            timeout=self.timeout if spec.timeout is None else spec.timeout,
            priority=self.priority if spec.priority is None else spec.priority,
            dedupe=self.dedupe if spec.dedupe is None else spec.dedupe,
        )


@dataclass_transform(frozen_default=True, field_specifiers=(field, Field))
class Job:
    """A typed job: subclass it, annotate its params, give it a type and a `run`.

        class SendMail(Job, type="send_mail", max_attempts=5, timeout=60):
            to: str
            subject: str

            async def run(self, context: Context) -> None: ...

    Each subclass is a frozen dataclass of the standard library. `timeout` is in seconds or a
    timedelta; `dedupe` is True, or the names of the fields that count; `cpu_bound` runs each job
    in a process of its own. Options that a class leaves out are those of its base. Without a
    `type` a class is a base for others and cannot be pushed. A declaration that cannot be meant
    raises SettingsError.
    """

    _options: ClassVar[Options] = Options()

    def __init_subclass__(
        cls,
        *,
        type: str | None = None,
        max_attempts: int | None = None,
        timeout: timedelta | float | None = None,
        priority: int | None = None,
        dedupe: bool | Sequence[str] | None = None,
        cpu_bound: bool | None = None,
    ) -> None:
        super().__init_subclass__()
        dataclass(frozen=True)(cls)
        _refuse_our_names(cls)
        base = cls._options
        options = Options(
            type=type,
            max_attempts=base.max_attempts if max_attempts is None else max_attempts,
            timeout=base.timeout if timeout is None else _timeout(cls, timeout),
            priority=base.priority if priority is None else priority,
            dedupe=base.dedupe if dedupe is None else _dedupe(cls, dedupe),
            cpu_bound=base.cpu_bound if cpu_bound is None else _flag(cls, cpu_bound),
        )
        _refuse_wrong(cls, options)
        cls._options = options

    def run(self, context: Context) -> Answer:
        """Do the work; what it returns is the job's result, a JSON value.

        `def` runs in a thread, `async def` in the event loop. False and any exception are a failure, which is tried
        again while attempts are left. A process that only pushes may leave it out.
        """
        raise TypeError(f"class {type(self).__qualname__} has no run; add one where its jobs run")

    def as_spec(self) -> JobSpec:
        """The job as it is pushed: the fields are its params, what is left open is as the class says.

        Raises BadJob, naming each param that is of the wrong type or that JSON cannot carry.
        """
        options = self._options
        if options.type is None:
            name = type(self).__qualname__
            raise BadJob.field(
                "type", f'class {name} has none; write `class {name}(…, type="…")` to push its jobs'
            )
        try:
            params = written(self)
            made_of(params, type(self))
        except BadJob as error:
            raise error.below("params") from error
        return JobSpec(
            options.type,
            params,
            max_attempts=options.max_attempts,
            timeout=options.timeout,
            priority=options.priority,
            dedupe=options.dedupe,
        )


def options_of(job_class: type[Job]) -> Options:
    """How jobs of this class are treated."""
    return job_class._options


def refusal(named: str, detail: str) -> SettingsError:
    """The error of a declaration that cannot be meant."""
    return SettingsError(f"{named}: {detail}")


# What fields may not be called: it would hide what every job has.
OURS = frozenset(name for name in vars(Job) if not name.startswith("__"))


def _refuse_our_names(cls: type[Job]) -> None:
    for name in names_of(cls):
        if name in OURS:
            raise _refusal(
                cls, f"the field {name!r} hides what every job has; give it another name"
            )


def _timeout(cls: type[Job], timeout: object) -> timedelta:
    try:
        return duration(timeout, name="timeout")
    except (TypeError, ValueError) as error:
        raise _refusal(cls, str(error)) from error


def _flag(cls: type[Job], flag: object) -> bool:
    if isinstance(flag, bool):
        return flag
    raise _refusal(cls, f"cpu_bound is {flag!r:.50}; give True or False")


def _dedupe(cls: type[Job], dedupe: object) -> bool | tuple[str, ...]:
    if isinstance(dedupe, bool):
        return dedupe
    if isinstance(dedupe, str) or not isinstance(dedupe, Sequence) or not dedupe:
        raise _refusal(
            cls, f"dedupe is {dedupe!r:.50}; give True, or a tuple of the fields that count"
        )
    return tuple(dedupe)


def _refuse_wrong(cls: type[Job], options: Options) -> None:
    if options.type == CALLBACK_TYPE:
        raise _refusal(cls, "type: callback jobs are pushed by Penstock alone; give another type")
    for name in options.dedupe if isinstance(options.dedupe, tuple) else ():
        if name not in names_of(cls):
            raise _refusal(cls, f"dedupe names {name!r:.50}, which is no field of it")
    spec = JobSpec(
        type="a" if options.type is None else options.type,
        priority=options.priority,
        max_attempts=options.max_attempts,
        timeout=options.timeout,
    )
    try:
        check_spec(spec)
    except BadJob as error:
        raise _refusal(cls, str(error)) from error


def _refusal(cls: type[Job], detail: str) -> SettingsError:
    return refusal(f"class {cls.__qualname__}", detail)
