# long: the table of everything that a job may get wrong
"""One queue: what may enter, every wrong field named; and how a job is stamped."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from penstock.clock import ManualClock
from penstock.engine import Feature
from penstock.engines.memory import MemoryEngine
from penstock.errors import BadJob, UnsupportedFeature
from penstock.job import (
    Callback,
    Delivery,
    Details,
    Idempotency,
    NewJob,
    On,
    Order,
    QueueKey,
    Root,
)
from penstock.policy import Policy
from penstock.queue import MAX_WAIT, JobSpec, Queue, check_spec, numbered, seconds
from penstock.serialization import MAX_BYTES, JSONObject

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ROOT = Root(signature="abc", timestamp=NOON, is_self=True)
KEY = Idempotency(key="k", fingerprint="f")

QUEUE = Queue("mail", Policy(), MemoryEngine())
PLAIN = JobSpec("mail")


class Simple(MemoryEngine):
    """A store that keeps no order but its own, and no jobs for later."""

    features = MemoryEngine.features - {Feature.ORDER, Feature.DELAY}


def spec(**fields: object) -> JobSpec:
    """A job whose fields may be anything, as a caller without types may give them."""
    make: Callable[..., JobSpec] = JobSpec
    return make(**{"type": "mail", **fields})


def callback(params: str, type: str = "http") -> Callback:
    return Callback(on=On.FAILED, type=type, params=params)


def test_a_job_that_says_nothing_gets_what_its_policy_says() -> None:
    policy = Policy(max_attempts=7, delivery=Delivery.AT_MOST_ONCE)

    stamped = Queue("mail", policy, MemoryEngine()).stamp(PLAIN)

    assert stamped == NewJob(
        queue=QueueKey("default", "mail"), max_attempts=7, delivery=Delivery.AT_MOST_ONCE
    )


def test_a_job_gets_what_it_says() -> None:
    calls = (callback('{"url":"x"}'),)

    stamped = QUEUE.stamp(
        JobSpec(
            "mail",
            {"to": "a@b.c"},
            domain="acme",
            context="news",
            priority=0,
            delay=SECOND,
            root=ROOT,
            max_attempts=1,
            timeout=SECOND,
            callbacks=calls,
            idempotency=KEY,
            trace="00-aa",
            request_id="r",
        )
    )

    assert stamped == NewJob(
        queue=QueueKey("acme", "mail"),
        params='{"to":"a@b.c"}',
        details=Details(
            context="news",
            timeout=SECOND,
            callbacks=calls,
            root_is_self=True,
            trace="00-aa",
            request_id="r",
        ),
        priority=0,
        delay=SECOND,
        root=ROOT,
        max_attempts=1,
        idempotency=KEY,
    )


def test_times_are_kept_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5.5)))

    stamped = QUEUE.stamp(spec(run_at=there, root=replace(ROOT, timestamp=there)))

    assert stamped.root is not None
    assert stamped.run_at is not None
    assert (stamped.run_at.tzinfo, stamped.root.timestamp.tzinfo) == (UTC, UTC)
    assert stamped.run_at == stamped.root.timestamp == NOON


TAKEN: list[dict[str, object]] = [
    {"type": "x" * 100},
    {"context": ""},
    {"context": "\U0001f4a7" * 255},
    {"priority": 0},
    {"priority": 1000},
    {"delay": timedelta(0)},
    {"delay": MAX_WAIT},
    {"timeout": timedelta(milliseconds=1)},
    {"timeout": MAX_WAIT},
    {"max_attempts": 1000},
    {"run_at": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
    {"run_at": datetime(1, 1, 1, tzinfo=UTC)},
    {"run_at": NOON, "delay": None},
    {"params": {"x": "y" * (MAX_BYTES - 8)}},
    {"dedupe": ("a",), "params": {"a": None}},
    {"idempotency": replace(KEY, key="k" * 255)},
    {"callbacks": (callback("{}"),) * 20},
    {"trace": "x" * 255},
]


@pytest.mark.parametrize("fields", TAKEN, ids="-".join)
async def test_what_is_just_right_is_taken_and_kept_as_it_is(fields: dict[str, object]) -> None:
    engine = MemoryEngine(clock=ManualClock())

    stamped = QUEUE.stamp(spec(**fields))
    [pushed] = await engine.push([stamped])
    promoted = await engine.promote(10)

    [job] = await engine.get([pushed.id])
    assert job is not None
    assert (job.queue, job.params, job.details) == (stamped.queue, stamped.params, stamped.details)
    later = stamped.delay > SECOND or (stamped.run_at is not None and stamped.run_at.year > 2025)
    assert (promoted.next_in is not None) is later


FAR = timezone(timedelta(hours=-23))
NEAR = timezone(timedelta(hours=23))

REFUSED: list[tuple[dict[str, object], str, str]] = [
    ({"type": ""}, "type", "is no name"),
    ({"type": "x" * 101}, "type", "is no name"),
    ({"type": "a b"}, "type", "'a b' is no name"),
    ({"type": "\ud800"}, "type", r"'\ud800' is no name"),
    ({"type": 5}, "type", "is no text"),
    ({"domain": "a/b"}, "domain", "is no name"),
    ({"domain": None}, "domain", "is no text"),
    ({"context": "x" * 256}, "context", "256 characters; at most 255"),
    ({"context": "\0"}, "context", "NUL"),
    ({"context": "\udfff"}, "context", "surrogate"),
    ({"context": 5}, "context", "is no text"),
    ({"priority": -1}, "priority", "is not within 0 and 1000"),
    ({"priority": 1001}, "priority", "is not within 0 and 1000"),
    ({"priority": 10**5000}, "priority", "is not within 0 and 1000"),
    ({"priority": True}, "priority", "no whole number"),
    ({"priority": 500.5}, "priority", "no whole number"),
    ({"priority": "high"}, "priority", "no whole number"),
    ({"max_attempts": 0}, "max_attempts", "is not within 1 and 1000"),
    ({"max_attempts": 1001}, "max_attempts", "is not within 1 and 1000"),
    ({"max_attempts": False}, "max_attempts", "no whole number"),
    ({"delay": -SECOND}, "delay", "out of range; give 0 s to 3660 days"),
    ({"delay": MAX_WAIT + timedelta(microseconds=1)}, "delay", "out of range"),
    ({"delay": timedelta.max}, "delay", "out of range"),
    ({"delay": seconds(1e300)}, "delay", "out of range"),
    ({"delay": seconds(-1e300)}, "delay", "out of range"),
    ({"delay": seconds(float("nan"))}, "delay", "out of range"),
    ({"delay": seconds(float("-inf"))}, "delay", "out of range"),
    ({"delay": 5}, "delay", "no duration"),
    ({"timeout": timedelta(0)}, "timeout", "out of range; give 0.001 s to 3660 days"),
    ({"timeout": timedelta.min}, "timeout", "out of range"),
    ({"timeout": "1 h"}, "timeout", "no duration"),
    ({"run_at": NOON.replace(tzinfo=None)}, "run_at", "no time zone"),
    ({"run_at": NOON, "delay": SECOND}, "run_at", "stands beside delay"),
    ({"run_at": datetime.max.replace(tzinfo=FAR)}, "run_at", "outside of the years 1 to 9999"),
    ({"run_at": datetime.min.replace(tzinfo=NEAR)}, "run_at", "outside of the years 1 to 9999"),
    ({"run_at": "2026-07-01"}, "run_at", "no time"),
    ({"dedupe": ()}, "dedupe", "empty list"),
    ({"dedupe": ("a", "b"), "params": {"a": 1}}, "dedupe", "names 'b', which is not in params"),
    ({"dedupe": ("x" * 5000,)}, "dedupe", "which is not in params"),
    ({"root": replace(ROOT, signature="")}, "root.signature", "is empty"),
    ({"root": replace(ROOT, signature="x" * 256)}, "root.signature", "256 characters"),
    ({"root": replace(ROOT, signature="\ud800")}, "root.signature", "surrogate"),
    (
        {"root": replace(ROOT, timestamp=NOON.replace(tzinfo=None))},
        "root.timestamp",
        "no time zone",
    ),
    (
        {"root": replace(ROOT, timestamp=datetime.max.replace(tzinfo=FAR))},
        "root.timestamp",
        "outside of the years",
    ),
    ({"idempotency": replace(KEY, key="")}, "idempotency_key", "is empty"),
    ({"idempotency": replace(KEY, key="k" * 256)}, "idempotency_key", "256 characters"),
    ({"idempotency": replace(KEY, key="\0")}, "idempotency_key", "NUL"),
    ({"trace": "x" * 256}, "trace", "256 characters"),
    ({"request_id": "\ud800"}, "request_id", "surrogate"),
    ({"params": []}, "params", "is no object"),
    ({"params": None, "dedupe": ("a",)}, "params", "is no object"),
    ({"params": {"a": {"b": [float("nan")]}}}, "params.a.b[0]", "not a finite number"),
    ({"params": {"a": {1, 2}}}, "params.a", "a set is no JSON"),
    ({"params": {"x": "y" * MAX_BYTES}}, "params", "at most 1048576"),
    ({"params": {"x": "\U0001f4a7" * (MAX_BYTES // 4)}}, "params", "at most 1048576"),
    ({"callbacks": (callback("{}"),) * 21}, "callbacks", "are 21; at most 20"),
    ({"callbacks": (callback("[]"),)}, "callbacks.failed", "is no object"),
    ({"callbacks": (callback("{"),)}, "callbacks.failed", "not JSON"),
    ({"callbacks": (callback('"\ud800"'),)}, "callbacks.failed", "not UTF-8"),
    ({"callbacks": (callback('{"a":{"b":1e999}}'),)}, "callbacks.failed", "too large"),
    ({"callbacks": (callback('{"a":"\\u0000"}'),)}, "callbacks.failed.a", "NUL"),
]


@pytest.mark.parametrize(
    ("fields", "field", "words"), REFUSED, ids=[f"{case[1]}: {case[2]}" for case in REFUSED]
)
def test_what_is_wrong_is_refused_and_named(
    fields: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(BadJob) as caught:
        QUEUE.stamp(spec(**fields))

    [error] = caught.value.errors
    assert error.field == field
    assert words in error.detail
    assert len(error.detail) < 300


def test_every_wrong_field_is_named_at_once() -> None:
    wrong = spec(
        type="a b",
        priority=5000,
        delay=-SECOND,
        params={"a": float("inf")},
        callbacks=(callback("["), callback("{}")),
    )

    with pytest.raises(BadJob) as caught:
        QUEUE.stamp(wrong)

    fields = [error.field for error in caught.value.errors]
    assert fields == ["type", "priority", "delay", "params.a", "callbacks.failed"]


def key_of(params: JSONObject, dedupe: bool | tuple[str, ...]) -> str | None:
    return QUEUE.stamp(JobSpec("mail", params, dedupe=dedupe)).dedupe_key


FAMILY: JSONObject = {
    "rootJobSignature": "s",
    "rootJobTimestamp": "20260701120000",
    "jobReleaseTimestamp": 5,
    "requestId": "r",
}

EQUAL: list[tuple[JSONObject, JSONObject, bool | tuple[str, ...]]] = [
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
    ({"a": 1}, {"a": 1, **FAMILY}, True),
    ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("a",)),
    ({"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, ("b", "a")),
    ({}, {}, True),
]


@pytest.mark.parametrize(("one", "other", "dedupe"), EQUAL)
def test_jobs_are_twins_where_the_params_that_count_are_equal(
    one: JSONObject, other: JSONObject, dedupe: bool | tuple[str, ...]
) -> None:
    key = key_of(one, dedupe)

    assert key is not None
    assert key == key_of(other, dedupe)


DIFFERENT: list[tuple[JSONObject, JSONObject, bool | tuple[str, ...]]] = [
    ({"a": 1}, {"a": 2}, True),
    ({"a": 1}, {"a": "1"}, True),
    ({"a": 1}, {"a": 1, "b": None}, True),
    ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("a", "b")),
    ({"rootJobSignature": "s"}, {"rootJobSignature": "t"}, ("rootJobSignature",)),
]


@pytest.mark.parametrize(("one", "other", "dedupe"), DIFFERENT)
def test_jobs_are_no_twins_where_one_that_counts_differs(
    one: JSONObject, other: JSONObject, dedupe: bool | tuple[str, ...]
) -> None:
    assert key_of(one, dedupe) != key_of(other, dedupe)


def test_a_job_that_does_not_ask_for_it_has_no_twin() -> None:
    assert key_of({"a": 1}, False) is None


@pytest.mark.parametrize("order", [Order.FIFO, Order.RANDOM])
def test_an_order_that_the_store_cannot_keep_is_refused_at_once(order: Order) -> None:
    with pytest.raises(UnsupportedFeature, match=rf"'mail' keeps no {order} order"):
        Queue("mail", Policy(order=order), Simple())

    assert Queue("mail", Policy(order=order), MemoryEngine()).type == "mail"


@pytest.mark.parametrize("fields", [{"delay": SECOND}, {"run_at": NOON}])
def test_a_delay_that_the_store_cannot_keep_is_refused(fields: dict[str, object]) -> None:
    queue = Queue("mail", Policy(), Simple())

    with pytest.raises(BadJob, match="delay: the store of queue 'mail' cannot delay jobs"):
        queue.stamp(spec(**fields))

    assert queue.stamp(spec(delay=timedelta(0))).delay == timedelta(0)


@pytest.mark.parametrize("value", [0, 0.001, -1, 1e-9, 86400.5, MAX_WAIT.total_seconds()])
def test_a_number_of_seconds_is_a_duration(value: float) -> None:
    assert seconds(value) == timedelta(seconds=value)


def test_a_spec_is_pushed_as_it_stands() -> None:
    assert PLAIN.as_spec() is PLAIN


def test_a_spec_can_be_checked_without_a_queue() -> None:
    check_spec(PLAIN)

    with pytest.raises(BadJob) as caught:
        check_spec(replace(PLAIN, priority=-1, max_attempts=0))

    assert [error.field for error in caught.value.errors] == ["priority", "max_attempts"]


def test_jobs_under_one_key_are_numbered_in_each_domain() -> None:
    def new(key: str | None, domain: str = "d", fingerprint: str = "f", item: int = 0) -> NewJob:
        asked = key and Idempotency(key=key, fingerprint=fingerprint, item=item)
        return NewJob(queue=QueueKey(domain, "mail"), idempotency=asked or None)

    jobs = [new("k"), new(None), new("k"), new("k", "e"), new("j"), new("k", "d", "g"), new("k")]

    items = [job.idempotency and job.idempotency.item for job in numbered(jobs)]

    assert items == [0, None, 1, 0, 0, 0, 2]
    assert numbered([jobs[1], jobs[0]]) == [jobs[1], jobs[0]]
    assert numbered([new("k", item=5)]) == [new("k")]
