"""What the headers of a push say."""

import pytest
from starlette.requests import Request

from penstock.errors import BadJob
from penstock.queue import JobSpec
from penstock.server.caller import Caller, caller

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SPEC = JobSpec("mail")


def request(*headers: tuple[str, str], path: str = "/v1/jobs") -> Request:
    """A push with these headers."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Request({"type": "http", "path": path, "headers": raw})


def key_of(made: Caller) -> tuple[str, str]:
    """The key and the fingerprint."""
    assert made.idempotency is not None
    return made.idempotency.key, made.idempotency.fingerprint


def test_a_push_without_headers_is_left_alone() -> None:
    made = caller(request(), {})

    assert made.mark(SPEC) is SPEC


def test_key_and_trace_are_marked_on_the_job() -> None:
    made = caller(request(("Idempotency-Key", "k"), ("traceparent", TRACE)), {"a": 1})

    spec = made.mark(SPEC)

    assert spec.idempotency == made.idempotency
    assert spec.trace == TRACE


def test_the_fingerprint_is_that_of_path_and_body() -> None:
    key = ("Idempotency-Key", "k")
    made = key_of(caller(request(key), {"a": 1, "b": 2}))

    assert key_of(caller(request(key), {"b": 2, "a": 1})) == made
    assert key_of(caller(request(key), {"a": 1, "b": 2.0})) != made
    assert key_of(caller(request(key, path="/jobs/add"), {"a": 1, "b": 2})) != made


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b", '"quoted"', "é"])
def test_any_text_may_be_a_key(key: str) -> None:
    assert key_of(caller(request(("Idempotency-Key", key)), {}))[0] == key


@pytest.mark.parametrize("keys", [[""], ["x" * 256], ["a", "b"], ["a", "a"]])
def test_an_unusable_key_is_refused(keys: list[str]) -> None:
    with pytest.raises(BadJob) as caught:
        caller(request(*(("Idempotency-Key", key) for key in keys)), {})

    assert [error.field for error in caught.value.errors] == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "trace",
    [
        "",
        "00",
        TRACE.upper(),
        TRACE + "-x",
        "ff" + TRACE[2:],
        TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        TRACE.replace("b7ad6b7169203331", "0" * 16),
    ],
)
def test_a_malformed_trace_is_ignored(trace: str) -> None:
    assert caller(request(("traceparent", trace)), {}) == Caller()
