"""What a push from Python asks for: options over the jobs' own, every job checked, all wrong fields named at once."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias, TypedDict, TypeVar, cast

import msgspec

from penstock.clock import duration
from penstock.engine import Pushed
from penstock.errors import BadJob, FieldError, KeyReused, NotAllowed, nearest
from penstock.group import QueueGroup
from penstock.job import Callback, Idempotency, NewJob, On, Root
from penstock.job_class import Job
from penstock.queue import JobSpec, Pushable
from penstock.serialization import JSON, check, digest, encode, plain, unknown

MAX_WRONG = 100  # jobs; the fields of more would help nobody
TURN = 100  # jobs; after as many, others have their turn at the loop

# As a mapping: its type, and its params beside it.
Command: TypeAlias = Mapping[str, object] | Pushable
Value = TypeVar("Value")


class PushOptions(TypedDict, total=False):
    """What a push says of its jobs. None, or left out: as a job itself says, else as the policy of its type does."""

    delay: float | timedelta | None  # seconds, or a timedelta
    run_at: datetime | None
    priority: int | None
    domain: str | None
    context: str | None
    dedupe: bool | Sequence[str] | None
    root: Root | None
    max_attempts: int | None
    timeout: float | timedelta | None  # seconds, or a timedelta
    callbacks: Mapping[str, Command] | None  # "done" and "failed": posted to as signed events
    callback_done: Command | None  # run as it stands
    idempotency_key: str | None


async def push_one(group: QueueGroup, job: Pushable, options: PushOptions) -> Pushed:
    """The job is stored; errors name its fields as the caller knows them."""
    over = _over(options)
    spec, new = _prepare(group, job, over)
    [pushed] = await _store(group, [new], [spec], over)
    return pushed


async def push_many(
    group: QueueGroup, jobs: Iterable[Pushable], options: PushOptions
) -> list[Pushed]:
    """All jobs are checked, then stored, and answered in their places; errors name the fields `jobs[i].…`."""
    over = _over(options)
    wanted = [job_of(one, f"jobs[{index}]") for index, one in enumerate(jobs)]
    specs: list[JobSpec] = []
    prepared: list[NewJob] = []
    errors: list[BadJob] = []
    for index, job in enumerate(wanted):
        try:
            spec, new = _prepare(group, job, over)
        except BadJob as error:
            errors.append(error.below(f"jobs[{index}]"))
            if len(errors) >= MAX_WRONG:
                break
        except NotAllowed as error:
            raise error.below(f"jobs[{index}]") from error
        else:
            specs.append(spec)
            prepared.append(new)
        if index % TURN == TURN - 1:
            await asyncio.sleep(0)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BadJob([wrong for error in errors for wrong in error.errors])
    return await _store(group, prepared, specs, over)


def job_of(value: object, place: str = "this") -> Pushable:
    """The value, which must be a job; TypeError, saying what to push instead, where it is none."""
    if isinstance(value, type):
        raise TypeError(f"{place} is the class {value.__name__}; push {value.__name__}(…)")
    if isinstance(value, JobSpec | Job):  # quick, while looking at a protocol is slow
        return value
    if not isinstance(value, Pushable):
        raise TypeError(
            f"{place} is a {type(value).__name__}; push a job, JobSpec(type, params), or a list of them"
        )
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Over:
    """The options as a spec has them, and how their caller calls the fields of callbacks."""

    delay: timedelta | None = None
    run_at: datetime | None = None
    priority: int | None = None
    domain: str | None = None
    context: str | None = None
    dedupe: bool | tuple[str, ...] | None = None
    root: Root | None = None
    max_attempts: int | None = None
    timeout: timedelta | None = None
    callbacks: tuple[Callback, ...] | None = None
    idempotency: Idempotency | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def put_on(self, spec: JobSpec) -> JobSpec:
        """The spec, as far as the options leave it."""
        if self is _NOTHING:
            return spec
        timed = self.delay is not None or self.run_at is not None
        return replace(
            spec,
            delay=self.delay if timed else spec.delay,
            run_at=self.run_at if timed else spec.run_at,
            priority=_or(self.priority, spec.priority),
            domain=_or(self.domain, spec.domain),
            context=_or(self.context, spec.context),
            dedupe=_or(self.dedupe, spec.dedupe),
            root=_or(self.root, spec.root),
            max_attempts=_or(self.max_attempts, spec.max_attempts),
            timeout=_or(self.timeout, spec.timeout),
            callbacks=_or(self.callbacks, spec.callbacks),
            idempotency=_or(self.idempotency, spec.idempotency),
        )

    def named(self, path: str) -> str:
        """The field as the caller calls it."""
        for ours, theirs in self.names.items():
            if path == ours or path.startswith((f"{ours}.", f"{ours}[")):
                return theirs + path[len(ours) :]
        return path


_NOTHING = _Over()


def _over(options: PushOptions) -> _Over:
    if not options:
        return _NOTHING
    for name in options:
        if name not in PushOptions.__annotations__:
            advice = nearest(name, PushOptions.__annotations__)
            raise TypeError(f"push has no option {name!r}; {advice}")
    key = options.get("idempotency_key")
    callbacks, names = _callbacks(options)
    return _Over(
        delay=_duration(options.get("delay"), "delay"),
        run_at=options.get("run_at"),
        priority=options.get("priority"),
        domain=options.get("domain"),
        context=options.get("context"),
        dedupe=_dedupe(options.get("dedupe")),
        root=_root(options.get("root")),
        max_attempts=options.get("max_attempts"),
        timeout=_duration(options.get("timeout"), "timeout"),
        callbacks=callbacks,
        idempotency=None if key is None else Idempotency(key=key, fingerprint=""),
        names=names,
    )


def _prepare(group: QueueGroup, job: Pushable, over: _Over) -> tuple[JobSpec, NewJob]:
    spec = over.put_on(job.as_spec())
    try:
        return spec, group.prepare(spec)
    except BadJob as error:
        named = [FieldError(over.named(wrong.field), wrong.detail) for wrong in error.errors]
        raise type(error)(named) from error
    except NotAllowed as error:
        raise NotAllowed(error.message, field=over.named(error.field), add=error.add) from error


async def _store(
    group: QueueGroup, jobs: Sequence[NewJob], specs: Sequence[JobSpec], over: _Over
) -> list[Pushed]:
    if over.idempotency is not None:
        jobs = _marked(jobs, specs, over.idempotency.key)
    pushed = await group.store(jobs)
    if any(answer.conflict for answer in pushed):
        raise KeyReused
    return list(pushed)


def _marked(jobs: Sequence[NewJob], specs: Sequence[JobSpec], key: str) -> Sequence[NewJob]:
    """The jobs, each with the key and a fingerprint of all that was asked for under it."""
    if not jobs:
        raise BadJob.field("jobs", "is empty; a key needs a job to be kept with")
    told = cast("JSON", msgspec.to_builtins(specs, enc_hook=plain))
    asked = Idempotency(key=key, fingerprint=digest(told))
    return [replace(job, idempotency=asked) for job in jobs]


def _duration(value: object, name: str) -> timedelta | None:
    if value is None:
        return None
    try:
        return duration(value, name=name)
    except (TypeError, ValueError) as error:
        raise BadJob.field(name, str(error).removeprefix(f"{name} ")) from error


def _dedupe(value: object) -> bool | tuple[str, ...] | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise BadJob.field("dedupe", "is no list; give True, or the names of the params that count")
    return tuple(value)


def _root(value: object) -> Root | None:
    if value is None or isinstance(value, Root):
        return value
    raise BadJob.field("root", f"is a {type(value).__name__}; give a Root(signature, timestamp)")


def _callbacks(options: PushOptions) -> tuple[tuple[Callback, ...] | None, Mapping[str, str]]:
    """The callbacks, None where none are given; and the caller's names for their fields."""
    told, silent = options.get("callbacks"), options.get("callback_done")
    if told is None and silent is None:
        return None, {}
    if told is not None and not isinstance(told, Mapping):
        raise BadJob.field("callbacks", 'is no mapping; give {"done": …, "failed": …}')
    made: list[Callback] = []
    if silent is not None:
        type, params = _command(silent, "callback_done")
        made.append(Callback(on=On.DONE, type=type, params=params, report=False))
    for end, command in (told or {}).items():
        if end not in set(On):
            raise unknown(f"callbacks.{end}", str(end), list(On))
        type, params = _command(command, f"callbacks.{end}")
        made.append(Callback(on=On(end), type=type, params=params))
    renames = silent is not None and "done" not in (told or {})
    return tuple(made), {"callbacks.done": "callback_done"} if renames else {}


def _command(command: object, place: str) -> tuple[str, str]:
    """The type of a command, and its params as text."""
    if isinstance(command, Pushable):
        try:
            spec = job_of(command, place).as_spec()
        except BadJob as error:
            raise error.below(place) from error
        return spec.type, _text(spec.params, place)
    if not isinstance(command, Mapping):
        raise BadJob.field(place, 'is no command; give a job, or {"type": …} with its params')
    type = command.get("type")
    if not isinstance(type, str):
        raise BadJob.field(f"{place}.type", "is missing or no text; give the name of a type")
    return type, _text({name: command[name] for name in command if name != "type"}, place)


def _text(params: object, place: str) -> str:
    check(params, field=place)
    return encode(params)


def _or(given: Value | None, own: Value) -> Value:
    return own if given is None else given
