# long: every check of a job that enters, to be found in one place
"""One queue: what a job must look like to enter it, and how it is stamped; the same for all engines."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, runtime_checkable

from penstock.engine import Engine, Feature
from penstock.errors import BadJob, FieldError, UnsupportedFeature
from penstock.job import (
    DEFAULT_PRIORITY,
    MAX_ATTEMPTS,
    MAX_NAME,
    MAX_PRIORITY,
    Callback,
    Details,
    Idempotency,
    NewJob,
    Order,
    QueueKey,
    Root,
    is_name,
)
from penstock.policy import Policy
from penstock.serialization import MAX_BYTES, JSONObject, check, digest, encode, is_whole, parse

MAX_CONTEXT = 255
MAX_KEY = 255
MAX_TRACE = 255
MAX_CALLBACKS = 20
MAX_WAIT = timedelta(days=3660)
MIN_TIMEOUT = timedelta(milliseconds=1)
AT_ONCE = timedelta(0)

# What the classic keeps out of the identity of a job, so that two generations of a family count as equal.
ROOT_PARAMS = frozenset(
    {"rootJobSignature", "rootJobTimestamp", "jobReleaseTimestamp", "requestId"}
)

_PLAIN = Details()
_NOTHING_TOLD = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as its caller asks for it. None, or left out: as the type's policy says."""

    type: str
    params: JSONObject = field(default_factory=dict)
    domain: str = "default"
    context: str = "default"
    priority: int | None = None
    delay: timedelta | None = None
    run_at: datetime | None = None
    dedupe: bool | tuple[str, ...] | None = None  # all params count, or those named
    root: Root | None = None
    max_attempts: int | None = None
    timeout: timedelta | None = None
    callbacks: tuple[Callback, ...] = ()
    idempotency: Idempotency | None = None
    trace: str | None = None
    request_id: str | None = None

    def as_spec(self) -> "JobSpec":
        """Itself: a spec can be pushed as it stands."""
        return self


@runtime_checkable
class Pushable(Protocol):
    """What can be pushed: a job that says itself how it is asked for."""

    def as_spec(self) -> JobSpec:
        """The job as its queue takes it; BadJob, naming each field, where it cannot be one."""
        ...


@runtime_checkable
class Completing(Protocol):
    """A handler that knows how its jobs are to be treated, whoever pushes them."""

    def complete(self, spec: JobSpec) -> JobSpec:
        """The spec, with what it leaves open filled in."""
        ...


class Queue:
    """The queue of one type, in all domains: it checks and stamps what enters.

    Raises UnsupportedFeature where its engine cannot do what its policy asks for.
    """

    def __init__(self, type: str, policy: Policy, engine: Engine) -> None:
        self.type = type
        self.policy = policy
        self._delays = Feature.DELAY in engine.features
        if policy.order is not Order.PRIORITY and Feature.ORDER not in engine.features:
            raise UnsupportedFeature(
                f"the store of queue {type!r} keeps no {policy.order} order; leave `order` out for this type"
            )

    def stamp(self, spec: JobSpec) -> NewJob:
        """The job complete, as an engine stores it; BadJob, with every wrong field named, where it cannot be."""
        errors = _wrong(spec)
        if not self._delays and (spec.delay or spec.run_at):
            errors.append(
                FieldError("delay", f"the store of queue {self.type!r} cannot delay jobs")
            )
        if errors:
            raise BadJob(errors)
        return NewJob(
            queue=QueueKey(spec.domain, spec.type),
            params=_text_of(spec.params),
            details=_details(spec),
            priority=DEFAULT_PRIORITY if spec.priority is None else spec.priority,
            delay=spec.delay or AT_ONCE,
            run_at=spec.run_at and spec.run_at.astimezone(UTC),
            dedupe_key=_dedupe_key(spec),
            root=spec.root and _in_utc(spec.root),
            max_attempts=spec.max_attempts or self.policy.max_attempts,
            delivery=self.policy.delivery,
            idempotency=spec.idempotency,
        )


def check_spec(spec: JobSpec) -> None:
    """Nothing, if each field of the spec is right; else BadJob naming all that are not."""
    errors = _wrong(spec)
    if errors:
        raise BadJob(errors)


def seconds(value: float) -> timedelta:
    """The duration of so many seconds; one that every check refuses where there is none so long."""
    if not math.isfinite(value) or abs(value) > MAX_WAIT.total_seconds():
        return MAX_WAIT + timedelta(days=1)
    return timedelta(seconds=value)


def numbered(jobs: Sequence[NewJob]) -> Sequence[NewJob]:
    """The jobs of one push to one store; those that were asked for under one key are told apart by their item.

    Items count from 0 in each domain, so that any two pushes under one key that share a domain meet at its item 0.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    return [_numbered(new, counts) for new in jobs]


def _numbered(new: NewJob, counts: Counter[tuple[str, str, str]]) -> NewJob:
    asked = new.idempotency
    if asked is None:
        return new
    together = (new.queue.domain, asked.key, asked.fingerprint)
    item = counts[together]
    counts[together] += 1
    return new if item == asked.item else replace(new, idempotency=replace(asked, item=item))


def _text_of(params: JSONObject) -> str:
    text = encode(params)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise BadJob.field("params", f"{size} bytes as JSON; at most {MAX_BYTES} are taken")
    return text


def _details(spec: JobSpec) -> Details:
    told = (spec.timeout, spec.root, spec.trace, spec.request_id)
    if spec.context == "default" and not spec.callbacks and told == _NOTHING_TOLD:
        return _PLAIN
    return Details(
        context=spec.context,
        timeout=spec.timeout,
        callbacks=tuple(spec.callbacks),
        root_is_self=spec.root is not None and spec.root.is_self,
        trace=spec.trace,
        request_id=spec.request_id,
    )


def _in_utc(root: Root) -> Root:
    return replace(root, timestamp=root.timestamp.astimezone(UTC))


def _dedupe_key(spec: JobSpec) -> str | None:
    if spec.dedupe is None or spec.dedupe is False:
        return None
    if spec.dedupe is True:
        return digest({k: v for k, v in spec.params.items() if k not in ROOT_PARAMS})
    return digest({name: spec.params[name] for name in spec.dedupe})


def _wrong(spec: JobSpec) -> list[FieldError]:
    found = [
        ("type", wrong_name(spec.type)),
        ("domain", None if spec.domain == "default" else wrong_name(spec.domain)),
        ("context", None if spec.context == "default" else _wrong_text(spec.context, MAX_CONTEXT)),
        ("priority", _wrong_number(spec.priority, 0, MAX_PRIORITY)),
        ("max_attempts", _wrong_number(spec.max_attempts, 1, MAX_ATTEMPTS)),
        ("delay", _wrong_wait(spec.delay, least=AT_ONCE)),
        ("timeout", _wrong_wait(spec.timeout, least=MIN_TIMEOUT)),
        ("run_at", _wrong_run_at(spec)),
        ("dedupe", _wrong_dedupe(spec)),
        ("idempotency_key", _wrong_key(spec.idempotency)),
        ("trace", None if spec.trace is None else _wrong_text(spec.trace, MAX_TRACE)),
        ("request_id", None if spec.request_id is None else _wrong_text(spec.request_id, MAX_KEY)),
        *(() if spec.root is None else _wrong_root(spec.root)),
    ]
    errors = [FieldError(name, detail) for name, detail in found if detail is not None]
    return [*errors, *_wrong_params(spec.params), *_wrong_callbacks(spec.callbacks)]


def _wrong_root(root: Root) -> Sequence[tuple[str, str | None]]:
    return [
        ("root.signature", _wrong_signature(root)),
        ("root.timestamp", _wrong_time(root.timestamp)),
    ]


def wrong_name(name: object) -> str | None:
    """Why a type or a domain may not be called so; None where it may."""
    if not isinstance(name, str):
        return "is no text; give the name"
    if is_name(name):
        return None
    return (
        f"{name[:MAX_NAME]!a} is no name; use 1 to {MAX_NAME} of A-Z a-z 0-9 _ . : - "
        "and start with a letter, a digit or _"
    )


def _wrong_text(text: object, most: int) -> str | None:
    if not isinstance(text, str):
        return "is no text"
    if len(text) > most:
        return f"{len(text)} characters; at most {most}"
    if "\0" in text or not is_whole(text):
        return "holds a NUL or half of a surrogate pair; send whole characters"
    return None


def _wrong_number(number: object, least: int, most: int) -> str | None:
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int):
        return f"is no whole number; give one from {least} to {most}"
    return None if least <= number <= most else f"is not within {least} and {most}"


def _wrong_wait(wait: object, *, least: timedelta) -> str | None:
    if wait is None:
        return None
    if not isinstance(wait, timedelta):
        return "is no duration; give a timedelta"
    if least <= wait <= MAX_WAIT:
        return None
    return f"is out of range; give {least.total_seconds():g} s to {MAX_WAIT.days} days"


def _wrong_run_at(spec: JobSpec) -> str | None:
    if spec.run_at is None:
        return None
    if spec.delay is not None:
        return "stands beside delay; give one of the two"
    return _wrong_time(spec.run_at)


def _wrong_time(time: object) -> str | None:
    if not isinstance(time, datetime):
        return "is no time; give a datetime"
    if time.tzinfo is None:
        return "has no time zone; add Z or an offset"
    try:
        time.astimezone(UTC)
    except OverflowError:
        return "is outside of the years 1 to 9999 in UTC"
    return None


def _wrong_dedupe(spec: JobSpec) -> str | None:
    if isinstance(spec.dedupe, bool | None) or not isinstance(spec.params, Mapping):
        return None
    if not spec.dedupe:
        return "is an empty list; name the params that count, or send true"
    missing = [name for name in spec.dedupe if name not in spec.params]
    return f"names {str(missing[0])[:MAX_NAME]!a}, which is not in params" if missing else None


def _wrong_signature(root: Root) -> str | None:
    return "is empty" if root.signature == "" else _wrong_text(root.signature, MAX_KEY)


def _wrong_key(idempotency: Idempotency | None) -> str | None:
    if idempotency is None:
        return None
    return "is empty" if idempotency.key == "" else _wrong_text(idempotency.key, MAX_KEY)


def _wrong_params(params: object) -> Sequence[FieldError]:
    if not isinstance(params, Mapping):
        return [FieldError("params", "is no object; give names and values")]
    return _errors(lambda: check(params, field="params"))


def _wrong_callbacks(callbacks: Sequence[Callback]) -> Sequence[FieldError]:
    if len(callbacks) > MAX_CALLBACKS:
        return [FieldError("callbacks", f"are {len(callbacks)}; at most {MAX_CALLBACKS}")]
    return [error for each in callbacks for error in _errors(partial(_check_callback, each))]


def _check_callback(callback: Callback) -> None:
    field = f"callbacks.{callback.on}"
    # What UTF-8 cannot write becomes what `parse` refuses.
    value = parse(callback.params.encode("utf-8", "surrogatepass"), field=field)
    if not isinstance(value, Mapping):
        raise BadJob.field(field, "is no object; give the params of its command")


def _errors(call: Callable[[], None]) -> Sequence[FieldError]:
    try:
        call()
    except BadJob as error:
        return error.errors
    return ()
