# long: each field, alike and wrong, in one table each
"""`penstock_push`: what is pushed in SQL is the same job as from Python, or is refused with its field named."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from penstock.conformance.builders import QUEUE, push_one, read
from penstock.engine import Pushed, Stamp
from penstock.job import Counts, Delivery, Idempotency, JobId, NewJob, State
from penstock.policy import Policy
from penstock.queue import Queue
from penstock.serialization import JSON, decode, digest
from penstock.server.payload import native_job
from tests.engines.postgresql.harness import PostgresqlHarness, around, sql

pytest_plugins = ["tests.servers.fixtures"]
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("postgresql")]

Isolation: TypeAlias = Literal["read_committed", "repeatable_read", "serializable"]

MAIL: Mapping[str, JSON] = {"type": "mail"}
TIME = "2031-05-06T07:08:09.123456+02:00"


async def push_in_sql(harness: PostgresqlHarness, jobs: object) -> list[Pushed]:
    rows = await harness.session.fetch(sql("penstock_push"), json.dumps(jobs))
    return [Pushed(id=row[0], deduplicated=row[1], replayed=row[2]) for row in rows]


async def push_in_python(harness: PostgresqlHarness, job: JSON) -> JobId:
    asked = native_job(job)
    new = Queue(asked.spec.type, Policy(), harness.engine).stamp(asked.spec)
    [pushed] = await harness.engine.push([new])
    return pushed.id


async def stored(harness: PostgresqlHarness, id: JobId) -> object:
    return json.loads(await harness.session.fetchval(sql("stored"), id))


ALIKE: Mapping[str, Mapping[str, JSON]] = {
    "plain": {},
    "params": {
        "params": {"a": [1, -2.5, 'ä\n"\\/\u007f', {"x": None, "y": True}], "bb": "😀", "😀": 0}
    },
    "a domain": {"domain": "tenant:1"},
    "a context": {"context": "über \t"},
    "priority": {"priority": 0},
    "delay": {"delay": 12.345678},
    "no delay": {"delay": 0},
    "a long delay": {"delay": 3660 * 24 * 3600},
    "dedupe": {"dedupe": True, "params": {"b": 1.5, "a": [{"d": 1, "c": 2}], "requestId": "x"}},
    "dedupe by name": {"dedupe": ["b", "a", "b"], "params": {"a": 1, "b": "x", "c": 2}},
    "no dedupe": {"dedupe": False},
    "a root": {"root": {"signature": "s", "timestamp": TIME}},
    "a head": {"root": {"signature": "s", "timestamp": TIME, "is_self": True}},
    "attempts": {"max_attempts": 1000},
    "a timeout": {"timeout": 0.001},
    "a timeout of days": {"timeout": 2 * 24 * 3600},
    "a long timeout": {"timeout": 90_000.25},
    "callbacks": {
        "callbacks": {
            "failed": {"type": "http", "url": "http://a/ö"},
            "done": {"type": "http", "json": {"a": [1]}, "url": 'http://"b"/'},
        }
    },
    "a command to follow": {"callback_done": {"type": "exec", "argv": ["/bin/true"]}},
    "null": dict.fromkeys(
        ("params", "domain", "context", "priority", "delay", "run_at", "dedupe", "root", "timeout")
    ),
}


@pytest.mark.parametrize("fields", ALIKE.values(), ids=ALIKE)
async def test_a_job_is_stored_as_from_python(
    harness: PostgresqlHarness, fields: Mapping[str, JSON]
) -> None:
    [pushed] = await push_in_sql(harness, {**MAIL, **fields})
    in_sql = await stored(harness, pushed.id)
    await harness.clean()
    in_python = await stored(harness, await push_in_python(harness, {**MAIL, **fields}))

    # New queues have new numbers; the order of keys in params means nothing, so SQL sorts them.
    assert _comparable(in_sql) == _comparable(in_python)


def _comparable(value: object) -> object:
    assert isinstance(value, dict)
    for table in ("job", "waiting", "root"):
        if value[table] is not None:
            del value[table]["queue"]
    value["job"]["params"] = decode(value["job"]["params"])
    value["job"]["details"] = _sorted(value["job"]["details"])
    return value


def _sorted(details: str) -> object:
    """The text itself, but for the params of callbacks."""
    if '"params":' not in details:
        return details
    read = json.loads(details)
    for callback in read["callbacks"]:
        callback["params"] = json.loads(callback["params"])
    return [*read.items()]


async def test_a_command_is_a_job_of_its_type(harness: PostgresqlHarness) -> None:
    [pushed] = await push_in_sql(harness, {"command": {"type": "http", "url": "http://a/"}})

    found = await read(harness.engine, pushed.id)
    assert (found.type, found.params) == ("http", '{"url":"http://a/"}')


async def test_a_time_to_run_is_kept_to_the_microsecond(harness: PostgresqlHarness) -> None:
    [in_sql] = await push_in_sql(harness, {**MAIL, "run_at": TIME})
    in_python = await push_in_python(harness, {**MAIL, "run_at": TIME})

    found = await read(harness.engine, in_sql.id)
    assert found.state is State.SCHEDULED
    assert found.run_at == (await read(harness.engine, in_python)).run_at


async def test_what_is_remembered_is_remembered_as_long_as_from_python(
    harness: PostgresqlHarness,
) -> None:
    root: JSON = {"signature": "s", "timestamp": TIME}
    [pushed] = await push_in_sql(harness, {**MAIL, "root": root, "idempotency_key": "k"})
    in_sql = await harness.session.fetchrow(sql("memory"))
    await harness.clean()
    asked = native_job({**MAIL, "root": root})
    new = Queue("mail", Policy(), harness.engine).stamp(asked.spec)
    await push_one(harness.engine, _with_key(new))

    assert pushed.id == 1
    assert in_sql == await harness.session.fetchrow(sql("memory"))


def _with_key(new: NewJob) -> NewJob:
    return replace(new, idempotency=Idempotency(key="k", fingerprint="f"))


async def test_many_are_answered_in_their_order(harness: PostgresqlHarness) -> None:
    jobs = [{**MAIL, "params": {"n": n % 3}, "dedupe": True} for n in range(5)]

    pushed = await push_in_sql(harness, jobs)

    assert pushed == [
        *(Pushed(id=JobId(id)) for id in (1, 2, 3)),
        *(Pushed(id=JobId(id), deduplicated=True) for id in (1, 2)),
    ]
    assert await push_in_sql(harness, []) == []


async def test_equal_jobs_meet_wherever_they_are_pushed(harness: PostgresqlHarness) -> None:
    equal: JSON = {**MAIL, "params": {"b": [1, 2.5], "a": "ä"}, "dedupe": True, "delay": 60}
    id = await push_in_python(harness, equal)

    assert await push_in_sql(harness, equal) == [Pushed(id=id, deduplicated=True)]
    assert await push_in_python(harness, equal) == id


async def test_a_key_is_known_again(harness: PostgresqlHarness) -> None:
    keyed = {**MAIL, "idempotency_key": "k"}
    many = [{**keyed, "idempotency_key": "m", "params": {"n": n}} for n in range(3)]

    first = [*await push_in_sql(harness, keyed), *await push_in_sql(harness, many)]
    again = [*await push_in_sql(harness, keyed), *await push_in_sql(harness, many)]

    assert first == [Pushed(id=JobId(id)) for id in (1, 2, 3, 4)]
    assert again == [Pushed(id=JobId(id), replayed=True) for id in (1, 2, 3, 4)]


async def test_a_key_that_was_used_otherwise_is_refused(harness: PostgresqlHarness) -> None:
    await push_in_sql(harness, {**MAIL, "idempotency_key": "k"})

    with pytest.raises(asyncpg.InvalidParameterValueError, match="idempotency_key: was used"):
        await push_in_sql(harness, [MAIL, {**MAIL, "idempotency_key": "k", "priority": 1}])
    assert (await harness.engine.counts())[QUEUE] == Counts(ready=1, pushed=1)


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_a_transaction_may_have_any_isolation(
    harness: PostgresqlHarness, isolation: Isolation
) -> None:
    equal = {**MAIL, "dedupe": True, "idempotency_key": "k"}
    async with harness.session.transaction(isolation=isolation):
        assert await push_in_sql(harness, equal) == [Pushed(id=JobId(1))]
        assert await push_in_sql(harness, equal) == [Pushed(id=JobId(1), replayed=True)]

    assert (await harness.engine.counts())[QUEUE] == Counts(ready=1, pushed=1)


DEEP: JSON = {}
for _ in range(32):
    DEEP = {"x": DEEP}

# The field, what is said of it, and the job.
WRONG: list[tuple[str, str, object]] = [
    ("jobs", "is no job", None),
    ("jobs", "is no job", "mail"),
    ("jobs[1]", "is no job", [MAIL, 3]),
    ("jobs", "at most 10000", [MAIL] * 10_001),
    ("type", "is missing", {}),
    ("type", "is missing", {"type": None}),
    ("type", "send text", {"type": 1}),
    ("type", "is no name", {"type": ""}),
    ("type", "is no name", {"type": "mail\n"}),
    ("type", "is no name", {"type": "maïl"}),
    ("type", "is no name", {"type": "x" * 101}),
    ("type", "by Penstock alone", {"type": "callback"}),
    ("type", "by Penstock alone", {"command": {"type": "callback"}}),
    ("jobs[2].priority", "is not within 0 and 1000", [MAIL, MAIL, {**MAIL, "priority": 1001}]),
    ("command.type", "is missing", {"command": {"url": "x"}}),
    ("command", "send one of the two", {"command": {"type": "http"}, "params": {}}),
    ("params", "send an object", {**MAIL, "params": []}),
    ("params.a[1]", "beyond 64 bits", {**MAIL, "params": {"a": [0, 2**63]}}),
    ("params" + 32 * ".x", "nested deeper", {**MAIL, "params": DEEP}),
    ("params", "at most 1048576", {**MAIL, "params": {"x": "ä" * 2**19}}),
    ("params", "more than 100000", {**MAIL, "params": {"x": [[]] * 100_000}}),
    ("domain", "is no name", {**MAIL, "domain": "a b"}),
    ("context", "at most 255", {**MAIL, "context": "x" * 256}),
    ("context", "send text", {**MAIL, "context": 1}),
    ("priority", "no whole number", {**MAIL, "priority": 1.5}),
    ("priority", "send a number", {**MAIL, "priority": True}),
    ("max_attempts", "is not within 1 and 1000", {**MAIL, "max_attempts": 0}),
    ("delay", "out of range", {**MAIL, "delay": -0.1}),
    ("delay", "out of range", {**MAIL, "delay": 3660 * 24 * 3600 + 1}),
    ("timeout", "out of range", {**MAIL, "timeout": 0}),
    ("run_at", "one of the two", {**MAIL, "delay": 0, "run_at": TIME}),
    ("run_at", "no time of RFC 3339", {**MAIL, "run_at": "tomorrow"}),
    ("run_at", "with a zone", {**MAIL, "run_at": "2031-05-06T07:08:09"}),
    ("run_at", "no time that there is", {**MAIL, "run_at": "2031-02-30T07:08:09Z"}),
    ("run_at", "1 to 9999", {**MAIL, "run_at": "9999-12-31T23:59:59-01:00"}),
    ("dedupe", "is no list", {**MAIL, "dedupe": "a"}),
    ("dedupe", "is no list", {**MAIL, "dedupe": [1]}),
    ("dedupe", "is an empty list", {**MAIL, "dedupe": []}),
    ("dedupe", "'a', which is not in params", {**MAIL, "dedupe": ["a"]}),
    ("dedupe", "0.00001", {**MAIL, "dedupe": True, "params": {"x": [1e-5]}}),
    ("root.signature", "is missing", {**MAIL, "root": {"timestamp": TIME}}),
    ("root.signature", "is empty", {**MAIL, "root": {"signature": "", "timestamp": TIME}}),
    ("root.timestamp", "is missing", {**MAIL, "root": {"signature": "s"}}),
    ("root.is_self", "send true", {**MAIL, "root": {"signature": "s", "is_self": 1}}),
    ("root.x", "is unknown", {**MAIL, "root": {"signature": "s", "timestamp": TIME, "x": 1}}),
    ("callbacks.both", "is unknown", {**MAIL, "callbacks": {"both": {}}}),
    ("callbacks.done.type", "is missing", {**MAIL, "callbacks": {"done": {}}}),
    ("callbacks.failed.type", "are URLs", {**MAIL, "callbacks": {"failed": {"type": "exec"}}}),
    ("callback_done", "send an object", {**MAIL, "callback_done": "x"}),
    ("callback_done.type", "alone", {**MAIL, "callback_done": {"type": "callback"}}),
    ("callback_done.x", "64 bits", {**MAIL, "callback_done": {"type": "http", "x": 2**63}}),
    ("idempotency_key", "is empty", {**MAIL, "idempotency_key": ""}),
    ("request_id", "at most 255", {**MAIL, "request_id": "x" * 256}),
    ("trace", "send text", {**MAIL, "trace": []}),
    ("state", "is unknown; known: type, params", {**MAIL, "state": "done"}),
]


@pytest.mark.parametrize(("field", "said", "jobs"), WRONG)
async def test_what_is_wrong_is_refused_and_named(
    harness: PostgresqlHarness, field: str, said: str, jobs: object
) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError) as refused:
        await push_in_sql(harness, jobs)

    named, _, detail = str(refused.value).partition(": ")
    assert named == field
    assert said in detail
    assert await harness.engine.counts() == {}


async def test_nothing_at_all_is_refused(harness: PostgresqlHarness) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError, match="jobs: is no job"):
        await harness.session.fetch(sql("penstock_push"), None)


def stamp(
    type: str,
    *,
    store: str | None = None,
    max_attempts: int = 3,
    delivery: Delivery = Delivery.AT_LEAST_ONCE,
) -> Stamp:
    return Stamp(type=type, store=store, max_attempts=max_attempts, delivery=delivery)


async def test_the_policy_of_its_type_is_stamped_on_a_job(harness: PostgresqlHarness) -> None:
    once = Delivery.AT_MOST_ONCE
    stamps = [stamp("", max_attempts=7), stamp("pay", delivery=once, max_attempts=1)]
    await harness.engine.learn(stamps)

    pushed = await push_in_sql(harness, [MAIL, {"type": "pay"}, {"type": "pay", "max_attempts": 9}])

    found = [await read(harness.engine, each.id) for each in pushed]
    assert [(job.max_attempts, job.delivery) for job in found] == [
        (7, Delivery.AT_LEAST_ONCE),
        (1, once),
        (9, once),
    ]


async def test_jobs_that_live_elsewhere_are_refused(harness: PostgresqlHarness) -> None:
    await harness.engine.learn([stamp("", store="main"), stamp("mail")])

    assert len(await push_in_sql(harness, MAIL)) == 1
    with pytest.raises(asyncpg.InvalidParameterValueError, match=r"type: .* live in store main"):
        await push_in_sql(harness, {"type": "sms"})


async def test_what_is_learned_replaces_what_was_known(harness: PostgresqlHarness) -> None:
    await harness.engine.learn([stamp(""), stamp("mail", max_attempts=9), stamp("sms", store="b")])
    await harness.engine.learn([stamp("", max_attempts=2), stamp("sms", max_attempts=5)])

    pushed = await push_in_sql(harness, [MAIL, {"type": "sms"}])

    found = [await read(harness.engine, each.id) for each in pushed]
    assert [job.max_attempts for job in found] == [2, 5]


async def test_an_older_release_leaves_the_function_alone(postgresql_url: str) -> None:
    async with around(postgresql_url, "published") as harness:
        await harness.engine.open()
        await harness.session.execute(sql("publish_newer"))

        await harness.reopen()

        with pytest.raises(asyncpg.RaiseError, match="of a newer release"):
            await push_in_sql(harness, MAIL)


async def test_the_function_of_an_older_release_is_replaced(postgresql_url: str) -> None:
    async with around(postgresql_url, "published_older") as harness:
        await harness.engine.open()
        await harness.session.execute(sql("publish_older"))

        await harness.reopen()

        assert await push_in_sql(harness, MAIL) == [Pushed(id=JobId(1))]


TOO_LONG = 999_999_999_999_999.0
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NUMBERS = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15, allow_nan=False, exclude_min=True, exclude_max=True)
    | st.decimals(-1000, 1000, places=4, allow_nan=False).map(float)
)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(params=st.dictionaries(TEXT, VALUES, max_size=5))
@example(params={"": "", "a": {"b": [], "aa": {}}, "ä": 1, "\uffff": 1, "😀": 2, "Z": 3})
@example(params={"x": [0.1, 1.0, -2.5, 1e14, 123456789012345.6, 0.0001, 100.0, 5e-324]})
@example(params={"x": "".join(map(chr, range(1, 0x100))) + "\u2028\u2029\ufeff"})
async def test_the_key_is_the_same_digest_as_pythons(
    harness: PostgresqlHarness, params: Mapping[str, JSON]
) -> None:
    job = {**MAIL, "params": params, "dedupe": True}
    own = _in_sql(params)

    if any(0 < abs(number) < 1e-4 or abs(number) >= TOO_LONG for number in _floats(params)):
        with pytest.raises(asyncpg.InvalidParameterValueError, match="dedupe: counts the number"):
            await push_in_sql(harness, job)
        return

    [pushed] = await push_in_sql(harness, job)
    row = await harness.session.fetchrow(sql("key"), pushed.id)
    assert row is not None
    key, text = row
    assert key == digest(own)
    assert decode(text) == own


def _in_sql(value: JSON) -> JSON:
    """The value without negative zeros, which SQL does not have."""
    match value:
        case float():
            return value + 0.0
        case Mapping():
            return {key: _in_sql(item) for key, item in value.items()}
        case list():
            return [_in_sql(item) for item in value]
    return value


def _floats(value: JSON) -> Sequence[float]:
    match value:
        case float():
            return [value]
        case Mapping():
            return [number for item in value.values() for number in _floats(item)]
        case list():
            return [number for item in value for number in _floats(item)]
    return []
