"""From JSON to jobs, purely: what was asked for, and what the request calls our fields.

Every error names the field as the request calls it. Null stands for left out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from penstock.errors import BadJob, FieldError, NotAllowed, UnknownJob
from penstock.inspection import MAX_PAGE, JobWish
from penstock.job import Callback, JobId, On, QueueKey, Root, State
from penstock.queue import JobSpec, seconds
from penstock.serialization import JSON, JSONObject, encode
from penstock.server.body import Unreadable, kind_of
from penstock.server.fields import (
    BatchFields,
    CallbackFields,
    JobFields,
    LegacyFields,
    ManyFields,
    Object,
    RootFields,
    taken,
)

MAX_BATCH = 10_000
PAGE = 100
LISTED_BY = ("type", "domain", "state", "context", "limit", "after")
MAX_WAIT = timedelta(seconds=60)
MAX_ID = 2**53 - 1

Value = TypeVar("Value")

_ID = re.compile(r"[1-9][0-9]{0,15}")
_LIMIT = re.compile(r"[0-9]{1,4}")
_WAIT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,6})?")
_AS_COMMAND = {"type": "command.type", "params": "command"}
_AS_CALLBACK_DONE = {"callbacks.done": "callback_done"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A job as the request asks for it, and what the request calls our fields."""

    spec: JobSpec
    names: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, error: BadJob) -> BadJob:
        """The same errors, of the fields as the request calls them."""
        return type(error)([FieldError(self._named(e.field), e.detail) for e in error.errors])

    def refused(self, error: NotAllowed) -> NotAllowed:
        """The same refusal, of the field as the request calls it."""
        return NotAllowed(error.message, field=self._named(error.field), add=error.add)

    def _named(self, path: str) -> str:
        for ours, theirs in self.names.items():
            if path == ours or path.startswith((f"{ours}.", f"{ours}[")):
                return theirs + path[len(ours) :]
        return path


@dataclass(frozen=True, slots=True)
class Batch:
    """Many jobs, each still to be read."""

    items: Sequence[JSON]
    atomic: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """Which jobs to list, and which part of them."""

    which: JobWish
    limit: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Many:
    """Jobs to be moved together, or only to be told what that would do."""

    ids: Sequence[JobId]
    dry_run: bool


def legacy_job(body: JSONObject) -> Asked:
    """The job that the Queue Server's shape asks for; what has no command is Unreadable: no job at all."""
    if body.get("command") is None:
        raise Unreadable.field("command", 'is missing; send {"command": {"type": "http", …}}')
    fields = taken(body, LegacyFields)
    type, params = _command(fields.command, "command")
    spec = JobSpec(
        type=type,
        params=params,
        context=_or(fields.context, "default"),
        priority=fields.priority,
        callbacks=_as_it_stands(fields.callback_done),
    )
    return Asked(spec, _AS_COMMAND | _AS_CALLBACK_DONE)


def native_job(value: JSON) -> Asked:
    """The job that our own shape asks for."""
    fields = taken(value, JobFields)
    type, params = _work(fields)
    callbacks = fields.callbacks or CallbackFields()
    spec = JobSpec(
        type=type,
        params=params,
        domain=_or(fields.domain, "default"),
        context=_or(fields.context, "default"),
        priority=fields.priority,
        delay=_duration(fields.delay),
        run_at=None if fields.run_at is None else _utc(fields.run_at, "run_at"),
        dedupe=tuple(fields.dedupe) if isinstance(fields.dedupe, list) else fields.dedupe,
        root=_root(fields.root),
        max_attempts=fields.max_attempts,
        timeout=_duration(fields.timeout),
        callbacks=(
            *_as_it_stands(fields.callback_done),
            *_reported(On.DONE, callbacks.done),
            *_reported(On.FAILED, callbacks.failed),
        ),
    )
    return Asked(spec, _names(fields, callbacks))


def batch(body: JSONObject) -> Batch:
    """The jobs of a batch, unread."""
    fields = taken(body, BatchFields)
    if len(fields.jobs) > MAX_BATCH:
        raise BadJob.field("jobs", f"{len(fields.jobs)} jobs; at most {MAX_BATCH} in one batch")
    return Batch(cast(Sequence[JSON], fields.jobs), fields.atomic)


def job_id(text: str) -> JobId:
    """The id that stands in a path; UnknownJob for what can be none."""
    if _ID.fullmatch(text) is None or int(text) > MAX_ID:
        raise UnknownJob(f"{text[:20]!a} is no id of a job; ids are 1, 2, 3 …")
    return JobId(int(text))


def waiting(values: Sequence[str]) -> timedelta:
    """How long an answer may wait, from what the query says: nothing, or one number of seconds from 0 to 60."""
    if not values:
        return timedelta(0)
    if len(values) > 1 or _WAIT.fullmatch(values[0]) is None or float(values[0]) > 60:
        raise BadJob.field("wait", "send one number of seconds from 0 to 60")
    return timedelta(seconds=float(values[0]))


def listing(parameters: Mapping[str, str]) -> Listing:
    """What the query of a list asks for; BadJob names a state that there is not, or a limit that is no number."""
    state, limit = parameters.get("state"), parameters.get("limit", str(PAGE))
    if state is not None and state not in set(State):
        known = ", ".join(State)
        raise BadJob.field("state", f"{state[:20]!a} is no state; known: {known}")
    if _LIMIT.fullmatch(limit) is None:
        raise BadJob.field("limit", f"send a whole number from 1 to {MAX_PAGE}")
    which = JobWish(
        type=parameters.get("type"),
        domain=parameters.get("domain"),
        state=None if state is None else State(state),
        context=parameters.get("context"),
    )
    return Listing(which, int(limit), parameters.get("after"))


def many(body: JSONObject) -> Many:
    """The jobs that are named by their ids."""
    fields = taken(body, ManyFields)
    if len(fields.ids) > MAX_BATCH:
        raise BadJob.field("ids", f"{len(fields.ids)} ids; at most {MAX_BATCH} at once")
    return Many([JobId(id) for id in fields.ids], fields.dry_run)


def queue_key(path: Mapping[str, str]) -> QueueKey:
    """The queue that a path names."""
    return QueueKey(path["domain"], path["type"])


def _work(fields: JobFields) -> tuple[str, JSONObject]:
    if fields.command is None and fields.type is None:
        raise BadJob.field("type", "is missing; send type and params, or a command")
    if fields.command is None:
        return fields.type or "", _json(fields.params or {})
    for name, value in (("type", fields.type), ("params", fields.params)):
        if value is not None:
            raise BadJob.field(name, "stands beside command; send one of the two")
    return _command(fields.command, "command")


def _command(command: Object, path: str) -> tuple[str, JSONObject]:
    """The type and the params of a command: what is not its type is its params."""
    params = _json(command)
    type = params.get("type")
    if not isinstance(type, str):
        found = "is missing" if type is None else f"is {kind_of(type)}"
        raise BadJob.field(f"{path}.type", f"{found}; send the name of a type")
    return type, {k: v for k, v in params.items() if k != "type"}


def _as_it_stands(command: Object | None) -> tuple[Callback, ...]:
    if command is None:
        return ()
    type, params = _command(command, "callback_done")
    return (Callback(on=On.DONE, type=type, params=encode(params), report=False),)


def _reported(on: On, command: Object | None) -> tuple[Callback, ...]:
    if command is None:
        return ()
    type, params = _command(command, f"callbacks.{on}")
    return (Callback(on=on, type=type, params=encode(params)),)


def _root(fields: RootFields | None) -> Root | None:
    if fields is None:
        return None
    timestamp = _utc(fields.timestamp, "root.timestamp")
    return Root(signature=fields.signature, timestamp=timestamp, is_self=fields.is_self)


def _utc(time: datetime, path: str) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise BadJob.field(path, "is outside of the years 1 to 9999 in UTC") from error


def _duration(value: float | None) -> timedelta | None:
    return None if value is None else seconds(value)


def _names(fields: JobFields, callbacks: CallbackFields) -> Mapping[str, str]:
    names = _AS_COMMAND if fields.command is not None else {}
    if fields.callback_done is None or callbacks.done is not None:
        return names
    return names | _AS_CALLBACK_DONE


def _or(value: Value | None, default: Value) -> Value:
    return default if value is None else value


def _json(value: Object) -> JSONObject:
    return cast(JSONObject, value)  # it came through the strict parser
