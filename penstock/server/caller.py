"""What the headers of a push say beside its body: the caller's key, and the trace that the job belongs to."""

import re
from dataclasses import dataclass, replace

from starlette.requests import Request

from penstock.errors import BadJob
from penstock.job import Idempotency
from penstock.queue import MAX_KEY, JobSpec
from penstock.serialization import JSONObject, digest

_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who repeats a push is known again by the key; who sends another body under it, by the fingerprint."""

    idempotency: Idempotency | None = None
    trace: str | None = None

    def mark(self, spec: JobSpec) -> JobSpec:
        """The job as this caller pushes it."""
        if self.idempotency is None and self.trace is None:
            return spec
        return replace(spec, idempotency=self.idempotency, trace=self.trace)


def caller(request: Request, body: JSONObject) -> Caller:
    """What the request's headers say of the push of this body; BadJob for an unusable Idempotency-Key."""
    keys = request.headers.getlist("idempotency-key")
    trace = request.headers.get("traceparent")
    if not keys and trace is None:
        return Caller()
    path: str = request.scope["path"]
    return Caller(
        idempotency=_idempotency(keys, path, body) if keys else None,
        # A malformed traceparent is to be ignored, as W3C Trace Context has it.
        trace=trace if trace and _TRACE.fullmatch(trace) else None,
    )


def _idempotency(keys: list[str], path: str, body: JSONObject) -> Idempotency:
    if len(keys) > 1 or not 0 < len(keys[0]) <= MAX_KEY:
        raise BadJob.field("Idempotency-Key", f"send one key of 1 to {MAX_KEY} characters")
    return Idempotency(key=keys[0], fingerprint=digest({"path": path, "body": body}))
