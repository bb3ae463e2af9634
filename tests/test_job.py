# long: the table of moves, and all the texts in which a job is stored and shown
"""A job's records: its table of moves, its ids, its text in a store, and how JSON shows it."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from penstock.clock import ManualClock
from penstock.conformance.builders import HOUR, NOTHING, TTL, WORKER, put, root, want
from penstock.conformance.builders import job as new_job
from penstock.engine import Ack, Bury, Cancel, Release, Renew, Retry
from penstock.engines.memory import MemoryEngine
from penstock.job import (
    ENDED,
    MAX_STORE_NUMBER,
    MOVES,
    SEQUENCE_SPAN,
    WAITING,
    Callback,
    Claim,
    ClaimRef,
    Counts,
    Delivery,
    Details,
    Job,
    JobId,
    Move,
    On,
    Progress,
    QueueKey,
    State,
    describe,
    describe_result,
    dump_details,
    first_id,
    is_name,
    load_details,
    params_of,
    store_number,
    timestamp,
)

HALF = Progress(percent=50)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)

STORED = Job(
    id=JobId(7),
    queue=QueueKey("acme", "mail"),
    state=State.CLAIMED,
    params='{"to":"a@b.c"}',
    details=Details(context="newsletter"),
    priority=800,
    attempt=2,
    max_attempts=3,
    fence=5,
    delivery=Delivery.AT_LEAST_ONCE,
    pushed_at=NOON,
)


Make = Callable[[MemoryEngine, Job], Coroutine[object, object, object]]


def ref(job: Job) -> ClaimRef:
    return ClaimRef(job.id, job.fence)


async def expire(engine: MemoryEngine, job: Job) -> None:
    await engine.reclaim(10, ttl=TTL, worker="upkeep")


async def supersede(engine: MemoryEngine, job: Job) -> None:
    await engine.push([new_job(root=root(2))])
    await engine.claim([want()], WORKER)


WAYS: dict[Move, list[Make]] = {
    Move.PROMOTE: [lambda engine, job: engine.promote(10)],
    Move.CLAIM: [
        lambda engine, job: engine.claim([want()], WORKER),
        lambda engine, job: engine.claim_ids([job.id], ttl=TTL, worker=WORKER),
        supersede,
    ],
    Move.RENEW: [lambda engine, job: engine.renew([Renew(ref=ref(job), ttl=TTL, progress=HALF)])],
    Move.ACK: [lambda engine, job: engine.ack([Ack(ref=ref(job))])],
    Move.BURY: [lambda engine, job: engine.bury([Bury(ref=ref(job), error="x")])],
    Move.RETRY: [
        lambda engine, job: engine.retry([Retry(ref=ref(job), after=HOUR, error="x")]),
        lambda engine, job: engine.retry([Retry(ref=ref(job), after=NOTHING, error="x")]),
    ],
    Move.RELEASE: [
        lambda engine, job: engine.release([Release(ref=ref(job), after=HOUR)]),
        lambda engine, job: engine.release([Release(ref=ref(job))]),
    ],
    Move.CANCEL: [
        lambda engine, job: engine.cancel([Cancel(id=job.id)]),
        lambda engine, job: engine.cancel([Cancel(id=job.id, fence=job.fence)]),
    ],
    Move.RECLAIM: [expire],
    Move.REQUEUE: [lambda engine, job: engine.requeue([job.id])],
    Move.DELETE: [lambda engine, job: engine.delete([job.id])],
}


async def moved(make: Make, state: State, max_attempts: int) -> State | str | None:
    """Where a job of this state goes; None if it stays as it was."""
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    id = await put(engine, state, new_job(root=root(1), max_attempts=max_attempts))
    [before] = await engine.get([id])
    assert before is not None
    assert before.state is state
    clock.tick(TTL if state is State.CLAIMED else 2 * HOUR)

    await make(engine, before)

    [after] = await engine.get([id])
    if after is None:
        return "deleted"
    return None if after == before else after.state


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", WAYS)
async def test_the_table_of_moves_says_what_the_reference_engine_does(
    move: Move, state: State
) -> None:
    went = {await moved(make, state, attempts) for make in WAYS[move] for attempts in (1, 3)}

    allowed = MOVES[move].get(state)
    if allowed is None:
        assert went == {None}
    else:
        assert went - {None} == (allowed or {"deleted"})


def test_every_state_waits_runs_or_has_ended() -> None:
    assert WAITING | ENDED | {State.CLAIMED} == set(State)
    assert not WAITING & ENDED
    assert [state for state in State if state.ended] == [s for s in State if s in ENDED]


def test_every_move_but_the_first_starts_somewhere() -> None:
    assert set(Move) - set(MOVES) == {Move.PUSH}
    assert set(MOVES) == set(WAYS)


@pytest.mark.parametrize(
    ("number", "first"), [(0, 1), (1, 10**13 + 1), (MAX_STORE_NUMBER, 899 * 10**13 + 1)]
)
def test_an_id_tells_the_store_that_gave_it(number: int, first: int) -> None:
    last = first_id(number) + SEQUENCE_SPAN - 2

    assert first_id(number) == first
    assert store_number(first_id(number)) == number
    assert store_number(JobId(last)) == number
    assert store_number(JobId(last + 1)) == number + 1
    assert last < 2**53


@pytest.mark.parametrize("name", ["a", "_", "9", "http", "a.b:c-d_E", "x" * 100])
def test_a_name_is_taken(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 101,
        "x" * 10**6,
        "-a",
        ".a",
        ":a",
        "a b",
        "a\n",
        "\na",
        "a\0",
        "é",
        "a/b",
        "٣",
        "${x}",
    ],
)
def test_a_name_is_refused(name: str) -> None:
    assert not is_name(name)


FULL = Details(
    context='\U0001f4a7 "context" \\ \u2028',
    timeout=timedelta(days=3660, microseconds=1),
    callbacks=(
        Callback(on=On.DONE, type="http", params='{"url":"x"}', report=False),
        Callback(on=On.FAILED, type="http", params="{}"),
    ),
    root_is_self=True,
    trace="00-aa-bb-01",
    request_id="r",
)


@pytest.mark.parametrize("details", [Details(), FULL, Details(timeout=timedelta(microseconds=1))])
def test_details_are_read_as_they_were_written(details: Details) -> None:
    assert load_details(dump_details(details)) == details


def test_the_usual_details_take_no_room() -> None:
    assert dump_details(Details()) == ""


def test_details_of_a_later_release_are_read_as_far_as_they_are_known() -> None:
    assert load_details('{"context":"x","colour":["red"]}') == Details(context="x")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '{"context":5}',
        '{"timeout":"soon"}',
        '{"timeout":"P999999999999D"}',
        '{"callbacks":[{"on":"never","type":"http","params":"{}"}]}',
        '{"callbacks":[{"on":"done"}]}',
        '{"colour":' + "[" * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_details_that_cannot_be_read_are_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_details(text)


@pytest.mark.parametrize("params", ["", "{", "[]", "null", '"x"', "3", "[" * 100_000])
def test_params_that_are_no_object_are_a_value_error(params: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        params_of(replace(STORED, params=params))


def test_the_params_of_an_unreadable_job_are_not_read() -> None:
    with pytest.raises(ValueError, match="row is cut off"):
        params_of(replace(STORED, unreadable="the row is cut off"))


def test_a_job_is_shown_with_the_names_and_times_of_the_contract() -> None:
    job = replace(
        STORED,
        claimed_at=NOON + timedelta(seconds=1.5),
        run_at=NOON.astimezone(timezone(timedelta(hours=2))),
        worker="w1",
        result='{"status":200}',
        error="boom",
        progress=Progress(percent=40, message="half"),
        cancel_requested=True,
    )

    assert describe(job) == {
        "id": 7,
        "type": "mail",
        "domain": "acme",
        "context": "newsletter",
        "priority": 800,
        "state": "claimed",
        "attempt": 2,
        "max_attempts": 3,
        "params": {"to": "a@b.c"},
        "pushed_at": "2026-07-01T12:00:00Z",
        "run_at": "2026-07-01T12:00:00Z",
        "claimed_at": "2026-07-01T12:00:01.500000Z",
        "finished_at": None,
        "worker": "w1",
        "result": {"status": 200},
        "error": "boom",
        "progress": {"percent": 40, "message": "half"},
        "cancel_requested": True,
    }


def test_a_job_that_cannot_be_read_is_shown_all_the_same() -> None:
    shown = describe(replace(STORED, params="{", result="[1", unreadable="cut off"))

    assert (shown["params"], shown["result"]) == (None, "[1")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(None, None), ("null", None), ("false", False), ('"x"', "x"), ("x", "x"), ("", "")],
)
def test_a_result_is_shown_as_its_value_or_its_text(stored: str | None, shown: object) -> None:
    assert describe_result(stored) == shown


def test_no_time_is_shown_as_none() -> None:
    assert timestamp(None) is None


def test_a_claim_is_named_by_the_job_and_its_fence() -> None:
    claim = Claim(job=STORED, until=NOON)

    assert claim.ref == ClaimRef(JobId(7), 5)


def test_a_queue_is_written_as_domain_and_type() -> None:
    assert str(STORED.queue) == "acme/mail"
    assert (STORED.domain, STORED.type) == ("acme", "mail")


@pytest.mark.parametrize(
    ("counts", "conserved"),
    [
        (Counts(), True),
        (Counts(pushed=8, scheduled=1, ready=1, claimed=1, done=1, dead=1, cancelled=1), False),
        (Counts(pushed=2, superseded=1, deleted=1), True),
        (Counts(pushed=1), False),
        (Counts(done=1), False),
    ],
)
def test_counts_are_conserved_when_every_push_is_accounted_for(
    counts: Counts, conserved: bool
) -> None:
    assert counts.conserved is conserved
