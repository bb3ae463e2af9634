"""Jobs as a runner hands them to a handler, and the handlers."""

from datetime import UTC, datetime, timedelta

from penstock.clock import ManualClock
from penstock.commands.exec import ExecCommand
from penstock.commands.guard import Resolver
from penstock.commands.http import HttpCommand
from penstock.handler import Context
from penstock.job import Callback, Delivery, Details, Job, JobId, QueueKey, State
from penstock.serialization import JSONObject, encode
from penstock.settings import ExecSettings, HttpSettings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UUID = "0b53b6b1-5a5e-4a9e-9d3e-0d3c3a1f7c11"


def context(
    params: JSONObject,
    *,
    id: int = 7,
    type: str = "http",
    attempt: int = 1,
    trace: str | None = None,
    callbacks: tuple[Callback, ...] = (),
    timeout: timedelta | None = None,
) -> Context:
    """A claimed job with these params."""
    job = Job(
        id=JobId(id),
        queue=QueueKey("default", type),
        state=State.CLAIMED,
        params=encode(params),
        details=Details(trace=trace, callbacks=callbacks, timeout=timeout),
        priority=500,
        attempt=attempt,
        max_attempts=3,
        fence=attempt,
        delivery=Delivery.AT_LEAST_ONCE,
        pushed_at=NOW,
    )
    return Context(job=job, params=params, idempotency_key=f"{UUID}-{id}")


def http_command(*allow: str, resolver: Resolver | None = None) -> HttpCommand:
    """An http command that may reach what is named."""
    settings = HttpSettings(allow_private=allow)
    return HttpCommand(settings, version="1.2.3", resolver=resolver, clock=ManualClock(NOW))


def exec_command(*allow: str) -> ExecCommand:
    """An exec command that may run what is named."""
    return ExecCommand(ExecSettings(allow=allow))
