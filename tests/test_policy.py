# long: one table for each rule
"""The rules, by tables: what a happening means, how long to wait, what follows an end."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from penstock.clock import ManualClock
from penstock.engine import Ack, Retry
from penstock.engines.memory import MemoryEngine
from penstock.job import (
    CALLBACK_TYPE,
    Callback,
    Delivery,
    Details,
    FollowUp,
    Job,
    JobId,
    Move,
    NewJob,
    On,
    QueueKey,
    State,
    describe,
)
from penstock.policy import (
    CALLBACK_POLICY,
    CALLBACK_STEPS,
    MAX_PAUSE,
    Exponential,
    Failed,
    GaveUp,
    Happened,
    Outcome,
    Policies,
    Policy,
    Returned,
    Steps,
    Stopped,
    callback_params,
    decide,
    expired,
    follow_ups,
    keep,
)
from penstock.serialization import JSON, decode

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)

FIRST = Job(
    id=JobId(7),
    queue=QueueKey("acme", "mail"),
    state=State.CLAIMED,
    params='{"to":"a@b.c"}',
    details=Details(context="news", trace="00-t", request_id="r1"),
    priority=800,
    attempt=1,
    max_attempts=3,
    fence=1,
    delivery=Delivery.AT_LEAST_ONCE,
    pushed_at=NOON,
    claimed_at=NOON + SECOND,
    worker="w1",
)
LAST = replace(FIRST, attempt=3)
ONCE = replace(FIRST, delivery=Delivery.AT_MOST_ONCE)
ASKED = replace(FIRST, cancel_requested=True)
STEADY = Policy(backoff=Exponential(jitter=0))

DECISIONS: list[tuple[str, Happened, Job, Outcome]] = [
    ("a result", Returned(result="1"), FIRST, Outcome(move=Move.ACK, result="1")),
    ("no result", Returned(), LAST, Outcome(move=Move.ACK)),
    ("a result, though asked to stop", Returned(), ASKED, Outcome(move=Move.ACK)),
    ("a failure", Failed(error="x"), FIRST, Outcome(move=Move.RETRY, after=5 * SECOND, error="x")),
    (
        "a failure with attempts left",
        Failed(error="x"),
        replace(FIRST, attempt=2),
        Outcome(move=Move.RETRY, after=15 * SECOND, error="x"),
    ),
    ("the last failure", Failed(error="x"), LAST, Outcome(move=Move.BURY, error="x")),
    (
        "more attempts than there may be",
        Failed(error="x"),
        replace(FIRST, attempt=9),
        Outcome(move=Move.BURY, error="x"),
    ),
    (
        "a failure for ever",
        Failed(error="x", permanent=True, result="2"),
        FIRST,
        Outcome(move=Move.BURY, error="x", result="2"),
    ),
    (
        "a failure that may not run twice",
        Failed(error="x"),
        ONCE,
        Outcome(move=Move.BURY, error="failed: x"),
    ),
    (
        "what the target asked for",
        Failed(error="x", after=HOUR * 5),
        FIRST,
        Outcome(move=Move.RETRY, after=HOUR * 5, error="x"),
    ),
    (
        "at once",
        Failed(error="x", after=timedelta(0)),
        FIRST,
        Outcome(move=Move.RETRY, error="x"),
    ),
    (
        "in the past",
        Failed(error="x", after=timedelta.min),
        FIRST,
        Outcome(move=Move.RETRY, error="x"),
    ),
    (
        "in a future that no clock reaches",
        Failed(error="x", after=timedelta.max),
        FIRST,
        Outcome(move=Move.RETRY, after=MAX_PAUSE, error="x"),
    ),
    (
        "what the target asked for, on the last attempt",
        Failed(error="x", after=HOUR),
        LAST,
        Outcome(move=Move.BURY, error="x"),
    ),
    ("stopped before it started", Stopped(started=False), FIRST, Outcome(move=Move.RELEASE)),
    ("stopped while it ran", Stopped(started=True), LAST, Outcome(move=Move.RELEASE)),
    (
        "stopped, and not to be begun again at once",
        Stopped(started=False, after=timedelta(seconds=9)),
        FIRST,
        Outcome(move=Move.RELEASE, after=timedelta(seconds=9)),
    ),
    (
        "stopped before it started, at most once",
        Stopped(started=False),
        ONCE,
        Outcome(move=Move.RELEASE),
    ),
    (
        "gave up",
        GaveUp(),
        FIRST,
        Outcome(move=Move.CANCEL, error="cancelled while running"),
    ),
    ("gave up, saying why", GaveUp(error="no"), LAST, Outcome(move=Move.CANCEL, error="no")),
]


@pytest.mark.parametrize(
    ("happened", "job", "outcome"),
    [case[1:] for case in DECISIONS],
    ids=[case[0] for case in DECISIONS],
)
def test_what_happened_means_one_move(happened: Happened, job: Job, outcome: Outcome) -> None:
    assert decide(happened, job, STEADY) == outcome


def test_a_started_job_that_may_not_run_twice_is_dead_when_its_runner_stops() -> None:
    outcome = decide(Stopped(started=True), ONCE, STEADY)

    assert outcome.move is Move.BURY
    assert outcome.error.startswith("lost")


@pytest.mark.parametrize(
    ("job", "move", "words"),
    [
        (LAST, Move.BURY, "lost: .*attempt 3 of 3"),
        (ONCE, Move.BURY, "lost: .*not run twice"),
        (ASKED, Move.CANCEL, "cancelled.*"),
        (replace(ONCE, cancel_requested=True), Move.CANCEL, "cancelled.*"),
    ],
)
def test_a_claim_that_ran_out_for_good_ends_the_job_with_its_reason(
    job: Job, move: Move, words: str
) -> None:
    outcome = expired(job)

    assert outcome.move is move
    assert re.fullmatch(words, outcome.error)


WAITS: list[tuple[Exponential | Steps, int, timedelta]] = [
    (Exponential(), 1, 5 * SECOND),
    (Exponential(), 2, 15 * SECOND),
    (Exponential(), 6, 1215 * SECOND),
    (Exponential(), 7, HOUR),
    (Exponential(), 29, HOUR),
    (Exponential(), 1000, HOUR),
    (Exponential(), 10**6, HOUR),
    (Exponential(factor=1), 10**6, 5 * SECOND),
    (Exponential(factor=1000.0, most=timedelta.max), 10**6, timedelta.max),
    (Exponential(first=timedelta(0), factor=1000), 10**6, timedelta(0)),
    (Exponential(first=2 * HOUR), 1, HOUR),
    (Exponential(most=timedelta(0)), 3, timedelta(0)),
    (Exponential(), 0, 5 * SECOND),
    (Exponential(factor=0), 0, 5 * SECOND),
    (CALLBACK_STEPS, 1, 5 * SECOND),
    (CALLBACK_STEPS, 2, 300 * SECOND),
    (CALLBACK_STEPS, 9, 24 * HOUR),
    (CALLBACK_STEPS, 10**6, 24 * HOUR),
    (CALLBACK_STEPS, 0, 5 * SECOND),
]


@pytest.mark.parametrize(("backoff", "attempt", "wait"), WAITS)
def test_the_backoff_grows_up_to_its_end(
    backoff: Exponential | Steps, attempt: int, wait: timedelta
) -> None:
    assert replace(backoff, jitter=0).after(attempt) == wait


@pytest.mark.parametrize("attempt", [1, 2, 6, 7, 50])
def test_backoff_is_spread_by_a_fifth_and_never_above_the_most(attempt: int) -> None:
    middle = replace(Exponential(), jitter=0).after(attempt)

    waits = [Exponential().after(attempt) for _ in range(300)]

    assert 0.8 * middle <= min(waits) < 0.9 * middle
    assert max(waits) <= min(1.2 * middle, HOUR)
    assert max(waits) > 0.99 * middle


def test_a_callback_is_tried_ten_times() -> None:
    assert CALLBACK_POLICY.max_attempts == 10
    assert sum(CALLBACK_STEPS.steps, timedelta(0)) == timedelta(seconds=5 + 300) + timedelta(
        hours=0.5 + 2 + 5 + 10 + 14 + 20 + 24
    )


def test_a_type_has_its_own_policy_or_the_default() -> None:
    default, own = Policy(max_attempts=5), Policy(max_attempts=1)
    policies = Policies(default, {"mail": own})

    assert policies.of("mail") is own
    assert policies.of("http") is default
    assert policies.of(CALLBACK_TYPE) is CALLBACK_POLICY
    assert Policies(default, {CALLBACK_TYPE: own}).of(CALLBACK_TYPE) is own
    assert set(policies.types) == {"mail", CALLBACK_TYPE}


@pytest.mark.parametrize(("move", "kept"), [(Move.ACK, 1), (Move.BURY, 7), (Move.CANCEL, 7)])
def test_what_is_done_is_kept_a_day_and_what_failed_a_week(move: Move, kept: int) -> None:
    assert keep(Policy(), move) == timedelta(days=kept)


AS_IT_STANDS = Callback(on=On.DONE, type="http", params='{"url":"u"}', report=False)
ON_DONE = Callback(on=On.DONE, type="http", params='{"url":"d"}')
ON_FAILED = Callback(on=On.FAILED, type="http", params='{"url":"f"}')
CALLING = replace(
    FIRST,
    details=replace(FIRST.details, callbacks=(AS_IT_STANDS, ON_DONE, ON_FAILED)),
    error="boom before",
)

ENDS: list[tuple[Move, On, list[tuple[str, str | None]]]] = [
    (Move.ACK, On.DONE, [("u", None), ("d", "job.done")]),
    (Move.BURY, On.FAILED, [("f", "job.dead")]),
    (Move.CANCEL, On.FAILED, [("f", "job.cancelled")]),
    (Move.RETRY, On.DONE, []),
    (Move.RELEASE, On.DONE, []),
]


def carried(following: FollowUp) -> dict[str, JSON]:
    """The params of a callback job."""
    params = decode(following.job.params)
    assert isinstance(params, dict)
    return params


def inner(params: dict[str, JSON], name: str) -> dict[str, JSON]:
    value = params[name]
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(("move", "on", "called"), ENDS)
def test_an_end_is_followed_by_the_callbacks_that_wait_for_it(
    move: Move, on: On, called: list[tuple[str, str | None]]
) -> None:
    following = follow_ups(CALLING, Outcome(move=move, error="x"))

    params = [carried(each) for each in following]
    urls = [inner(inner(each, "command"), "params")["url"] for each in params]
    assert list(zip(urls, [each["event"] for each in params], strict=True)) == called
    assert all(each.on is on for each in following)


def test_a_job_without_callbacks_is_followed_by_nothing() -> None:
    assert follow_ups(FIRST, Outcome(move=Move.ACK)) == ()


def test_a_callback_is_a_job_of_its_own_type_beside_the_job_that_it_tells_of() -> None:
    [_, callback] = follow_ups(CALLING, Outcome(move=Move.ACK))

    new = callback.job
    assert new.queue == QueueKey("acme", CALLBACK_TYPE)
    assert new.details == Details(context="news", trace="00-t", request_id="r1")
    assert (new.priority, new.max_attempts) == (800, 10)
    assert (new.dedupe_key, new.root, new.idempotency) == (None, None, None)


def test_a_callback_has_the_attempts_and_the_delivery_of_its_policy() -> None:
    policy = Policy(max_attempts=2, delivery=Delivery.AT_MOST_ONCE)

    [callback] = follow_ups(CALLING, Outcome(move=Move.BURY, error="x"), policy)

    assert (callback.job.max_attempts, callback.job.delivery) == (2, Delivery.AT_MOST_ONCE)


SNAPSHOTS: list[tuple[Outcome, str, JSON, str | None]] = [
    (Outcome(move=Move.ACK, result='{"status":200}'), "done", {"status": 200}, "boom before"),
    (Outcome(move=Move.ACK), "done", None, "boom before"),
    (Outcome(move=Move.BURY, error="x", result="[1]"), "dead", [1], "x"),
    (Outcome(move=Move.BURY, error="x", result="[1"), "dead", "[1", "x"),
    (Outcome(move=Move.CANCEL), "cancelled", None, None),
]


@pytest.mark.parametrize(("outcome", "state", "result", "error"), SNAPSHOTS)
def test_an_event_shows_the_job_as_it_ended(
    outcome: Outcome, state: str, result: JSON, error: str | None
) -> None:
    *_, callback = follow_ups(CALLING, outcome)

    shown = inner(carried(callback), "job")
    assert (shown["state"], shown["result"], shown["error"]) == (state, result, error)
    assert (shown["id"], shown["params"], shown["attempt"]) == (7, {"to": "a@b.c"}, 1)
    assert (shown["pushed_at"], shown["worker"]) == ("2026-07-01T12:00:00Z", "w1")


async def test_an_event_shows_what_the_store_shows() -> None:
    engine = MemoryEngine(clock=ManualClock())
    [pushed] = await engine.push([NewJob(queue=FIRST.queue, details=CALLING.details)])
    [claim] = await engine.claim_ids([pushed.id], ttl=HOUR, worker="w1")
    await engine.retry([Retry(ref=claim.ref, after=timedelta(0), error="boom")])
    [claim] = await engine.claim_ids([pushed.id], ttl=HOUR, worker="w1")
    [_, callback] = follow_ups(claim.job, Outcome(move=Move.ACK, result="2"))

    await engine.ack([Ack(ref=claim.ref, result="2")])

    [ended] = await engine.get([pushed.id])
    assert ended is not None
    assert inner(carried(callback), "job") | {"finished_at": None} == describe(ended) | {
        "finished_at": None
    }


def test_a_callback_that_is_sent_as_it_stands_carries_no_job() -> None:
    [plain, _] = follow_ups(CALLING, Outcome(move=Move.ACK, result='"secret"'))

    assert carried(plain) == {
        "job_id": 7,
        "command": {"type": "http", "params": {"url": "u"}},
        "event": None,
        "job": None,
    }


@pytest.mark.parametrize("params", ["{", "", "[" * 100_000, "\x00"])
def test_a_callback_that_cannot_be_read_does_not_hold_up_the_end_of_its_job(params: str) -> None:
    spoiled = replace(AS_IT_STANDS, params=params)

    told = callback_params(spoiled, JobId(7), "done", {})

    assert told["command"] == {"type": "http", "params": params}


def test_a_job_that_cannot_be_read_is_told_of_all_the_same() -> None:
    unreadable = replace(CALLING, params="{", unreadable="cut off")

    [callback] = follow_ups(unreadable, Outcome(move=Move.BURY, error="cut off"))

    assert inner(carried(callback), "job")["params"] is None
