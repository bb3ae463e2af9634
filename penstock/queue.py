"""One queue: what a job must look like to enter it, and how it is stamped; the same for all engines."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from penstock.engine import Engine, Feature
from penstock.errors import BadJob, FieldError, UnsupportedFeature
from penstock.job import (
    DEFAULT_PRIORITY,
    MAX_PRIORITY,
    Callback,
    Details,
    Idempotency,
    NewJob,
    Order,
    QueueKey,
    Root,
)
from penstock.policy import Policy
from penstock.serialization import JSONObject, check, digest, encode

MAX_NAME = 100
MAX_CONTEXT = 255
MAX_KEY = 255
MAX_ATTEMPTS = 1000
MAX_CALLBACKS = 20
MAX_WAIT = timedelta(days=3660)

# What the classic keeps out of the identity of a job, so that two generations of a family count as equal.
ROOT_PARAMS = frozenset(
    {"rootJobSignature", "rootJobTimestamp", "jobReleaseTimestamp", "requestId"}
)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")


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
    dedupe: bool | tuple[str, ...] = False  # all params count, or those named
    root: Root | None = None
    max_attempts: int | None = None
    timeout: timedelta | None = None
    callbacks: tuple[Callback, ...] = ()
    idempotency: Idempotency | None = None
    trace: str | None = None
    request_id: str | None = None


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
        errors = list(_wrong(spec))
        if not self._delays and (spec.delay or spec.run_at):
            errors.append(
                FieldError("delay", f"the store of queue {self.type!r} cannot delay jobs")
            )
        if errors:
            raise BadJob(errors)
        check(spec.params, field="params")
        return NewJob(
            queue=QueueKey(spec.domain, spec.type),
            params=encode(spec.params),
            details=_details(spec),
            priority=DEFAULT_PRIORITY if spec.priority is None else spec.priority,
            delay=spec.delay or timedelta(0),
            run_at=spec.run_at,
            dedupe_key=_dedupe_key(spec),
            root=spec.root,
            max_attempts=spec.max_attempts or self.policy.max_attempts,
            delivery=self.policy.delivery,
            idempotency=spec.idempotency,
        )


def is_name(text: str) -> bool:
    """Whether a type or a domain may be called so."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def _details(spec: JobSpec) -> Details:
    return Details(
        context=spec.context,
        timeout=spec.timeout,
        callbacks=spec.callbacks,
        root_is_self=spec.root is not None and spec.root.is_self,
        trace=spec.trace,
        request_id=spec.request_id,
    )


def _dedupe_key(spec: JobSpec) -> str | None:
    if spec.dedupe is False:
        return None
    if spec.dedupe is True:
        counted = {k: v for k, v in spec.params.items() if k not in ROOT_PARAMS}
    else:
        counted = {name: spec.params.get(name) for name in spec.dedupe}
    return digest(counted)


def _wrong(spec: JobSpec) -> list[FieldError]:
    found: Mapping[str, str | None] = {
        "type": _wrong_name(spec.type),
        "domain": _wrong_name(spec.domain),
        "context": _wrong_text(spec.context, MAX_CONTEXT),
        "priority": _wrong_number(spec.priority, 0, MAX_PRIORITY),
        "max_attempts": _wrong_number(spec.max_attempts, 1, MAX_ATTEMPTS),
        "delay": _wrong_wait(spec.delay, least=timedelta(0)),
        "timeout": _wrong_wait(spec.timeout, least=timedelta(milliseconds=1)),
        "run_at": _wrong_time(spec),
        "dedupe": _wrong_dedupe(spec),
        "root": _wrong_root(spec.root),
        "callbacks": f"at most {MAX_CALLBACKS}" if len(spec.callbacks) > MAX_CALLBACKS else None,
        "idempotency_key": _wrong_key(spec.idempotency),
    }
    return [FieldError(name, detail) for name, detail in found.items() if detail is not None]


def _wrong_name(name: str) -> str | None:
    if is_name(name):
        return None
    return (
        f"{name[:MAX_NAME]!a} is no name; use 1 to {MAX_NAME} of A-Z a-z 0-9 _ . : - "
        "and start with a letter, a digit or _"
    )


def _wrong_text(text: str, most: int) -> str | None:
    if len(text) > most:
        return f"{len(text)} characters; at most {most}"
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        return "holds a NUL or half of a surrogate pair; send whole characters"
    return None


def _wrong_number(number: int | None, least: int, most: int) -> str | None:
    if number is None or least <= number <= most:
        return None
    return f"{number} is not within {least} and {most}"


def _wrong_wait(wait: timedelta | None, *, least: timedelta) -> str | None:
    if wait is None or least <= wait <= MAX_WAIT:
        return None
    return f"{wait.total_seconds():g} s is not within {least.total_seconds():g} s and {MAX_WAIT.days} days"


def _wrong_time(spec: JobSpec) -> str | None:
    if spec.run_at is None:
        return None
    if spec.delay is not None:
        return "stands beside delay; give one of the two"
    if spec.run_at.tzinfo is None:
        return "has no time zone; add Z or an offset"
    return None


def _wrong_dedupe(spec: JobSpec) -> str | None:
    if isinstance(spec.dedupe, bool):
        return None
    if not spec.dedupe:
        return "is an empty list; name the params that count, or send true"
    missing = [name for name in spec.dedupe if name not in spec.params]
    return f"names {missing[0][:MAX_NAME]!a}, which is not in params" if missing else None


def _wrong_root(root: Root | None) -> str | None:
    if root is None:
        return None
    if not root.signature:
        return "has an empty signature"
    if root.timestamp.tzinfo is None:
        return "has a timestamp without time zone; add Z or an offset"
    return _wrong_text(root.signature, MAX_KEY)


def _wrong_key(idempotency: Idempotency | None) -> str | None:
    if idempotency is None:
        return None
    return "is empty" if not idempotency.key else _wrong_text(idempotency.key, MAX_KEY)


def seconds(value: float) -> timedelta:
    """A duration from a number of seconds; BadJob-free callers check the range, this only guards the arithmetic."""
    if not math.isfinite(value) or abs(value) > MAX_WAIT.total_seconds():
        return MAX_WAIT + timedelta(days=1)
    return timedelta(seconds=value)
